-- The 15-digit form ended in 1999: accepted, and reported so that the owner replaces it.
select source_system, source_row
from staff
where id_type_code = '1' and regexp_matches(id_number, '^[0-9]{15}$')
