-- 6.4: portal and card use one number space for everybody.
select student.source_system, student.source_row
from student
join staff on staff.staff_no = student.student_no
