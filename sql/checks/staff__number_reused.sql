-- A number stays with its person: name, document and birth date all new under an old number are another person.
select staff.source_system, staff.source_row
from staff
join standing.staff stood on stood.staff_no = staff.staff_no
where staff.name is distinct from stood.name
    and staff.id_number is distinct from stood.id_number
    and staff.birth_date is distinct from stood.birth_date
