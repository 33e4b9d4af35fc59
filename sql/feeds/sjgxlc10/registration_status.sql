-- R05, YWLC04/8: 未注册学生无法通过系统选课,所有考试成绩无法录入系统. Selectable is who is validly registered for the current term on
-- grounds that hold: checked in (R01) and paid (R02) for this and every earlier school year (SJGXLC10/2: 欠费学生不能注册), or by
-- a green channel in force (R03), or forced by the academic affairs office with a reason (R04).
select
    r.student_no,
    r.school_year,
    r.term_code,
    r.state_code,
    r.checkin_on,
    r.deferred,
    r.registered_on,
    r.is_current_term,
    r.is_current_term and r.is_valid and coalesce(
        r.checkin_on <= r.registered_on
        and ((r.basis = '1' and f.required_items_paid and not exists (
            select 1 from fee_status d
            where d.student_no = r.student_no and d.school_year < r.school_year and not d.required_items_paid
        )) or r.basis = '2'
            or (r.basis = '3' and r.forced_reason is not null and u.office_code = 'academic_affairs')),
        false
    ) as is_selectable,
    coalesce(
        r.state_code = '1' and r.checkin_on <= r.registered_on
        and ((r.basis = '1' and coalesce(f.required_items_paid, true) and not exists (
            select 1 from fee_status d
            where d.student_no = r.student_no and d.school_year < r.school_year and not d.required_items_paid
        )) or r.basis = '2'
            or (r.basis = '3' and r.forced_reason is not null and u.office_code = 'academic_affairs')),
        false
    ) as is_exam_entry_allowed
from registration r
left join fee_status f on f.student_no = r.student_no and f.school_year = r.school_year
left join staff s on s.staff_no = r.registered_by
left join org_unit u on u.unit_code = s.unit_code
where r.source_system = 'registration'
