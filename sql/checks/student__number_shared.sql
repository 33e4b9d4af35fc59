-- 6.4: portal and card use one name space of numbers for everybody: the second holder is held.
select distinct student.source_system, student.source_row
from student
left join staff on staff.staff_no = student.student_no
left join external_person on external_person.person_no = student.student_no
where staff.staff_no is not null or external_person.person_no is not null
