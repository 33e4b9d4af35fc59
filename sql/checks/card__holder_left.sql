-- Canonical 5.4: ended students; staff who died, were transferred, resigned, left or were dismissed (JY JZGDQZT).
select c.source_system, c.source_row
from card c
left join student_status s on s.student_no = c.holder_no
left join staff t on t.staff_no = c.holder_no
where c.state = '1'
    and (s.state_code in ('03', '07', '08', '09', '10', '11', '14', '15') or t.state_code in ('03', '05', '06', '07', '08'))
