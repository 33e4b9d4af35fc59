-- R04, SJGXLC10/3: by the academic affairs office only, with a reason. Which unit that is, HR's unit code says (HUB/OFFICE). A
-- person whom HR does not have yet is not judged.
select r.source_system, r.source_row
from registration r
left join staff s on s.staff_no = r.registered_by
left join org_unit u on u.unit_code = s.unit_code
where r.state_code = '1' and r.basis = '3'
    and (r.forced_reason is null or r.registered_by = r.student_no
        or (u.unit_code is not null and coalesce(u.office_code, '-') <> 'academic_affairs'))
