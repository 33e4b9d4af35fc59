-- 6.6: a validity does not end before it starts.
select source_system, source_row
from external_person
where valid_to < valid_from
