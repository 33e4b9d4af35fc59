select t.source_system, t.source_row
from term t
where t.ends_on <= t.starts_on
