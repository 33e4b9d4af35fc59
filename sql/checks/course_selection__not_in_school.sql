-- R05, YWLC04/8: who is not registered cannot select courses; somebody who is not in school is not registered either.
select c.source_system, c.source_row
from course_selection c
join student_status s on s.student_no = c.student_no
where not s.in_school
