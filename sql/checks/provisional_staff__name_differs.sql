-- SJGXLC01/5: number and name must be those of HR.
select provisional_staff.source_system, provisional_staff.source_row
from provisional_staff
join staff on staff.staff_no = provisional_staff.staff_no
where staff.name <> provisional_staff.name
