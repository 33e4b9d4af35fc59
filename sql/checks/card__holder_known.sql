-- YWLC03/1: holders are the staff and students of the hub.
select c.source_system, c.source_row
from card c
left join student s on s.student_no = c.holder_no
left join staff t on t.staff_no = c.holder_no
where s.student_no is null and t.staff_no is null
