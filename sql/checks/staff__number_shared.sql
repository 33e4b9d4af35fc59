-- 6.4: one name space of numbers; a number that an external person has is not given to staff.
select staff.source_system, staff.source_row
from staff
join external_person on external_person.person_no = staff.staff_no
