-- SJGXLC01/5: a person may be added once HR has given out the number.
select provisional_staff.source_system, provisional_staff.source_row
from provisional_staff
left join staff on staff.staff_no = provisional_staff.staff_no
where staff.staff_no is null
