-- YWLC02/4: photos are of students and staff whose numbers the hub knows.
select person_photo.source_system, person_photo.source_row
from person_photo
left join student on student.student_no = person_photo.person_no
left join staff on staff.staff_no = person_photo.person_no
where student.student_no is null and staff.staff_no is null
