-- Fee status; the student's own system and intake let an edge be narrowed to its students.
select
    f.student_no,
    f.school_year,
    f.state_code,
    f.adjustment_code,
    f.receivable,
    f.relief,
    f.received,
    f.outstanding,
    f.required_items_paid,
    f.as_of,
    s.source_system as student_system,
    t.is_new_student
from fee_status f
left join student s on s.student_no = f.student_no
left join student_status t on t.student_no = f.student_no
where f.source_system = 'finance'
