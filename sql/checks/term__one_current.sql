select t.source_system, t.source_row
from term t
join term o on o.is_current and (o.school_year <> t.school_year or o.term_code <> t.term_code)
where t.is_current
