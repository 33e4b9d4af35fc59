-- Fee status of the latest intake, for the arrival campaign (YWLC01/5).
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
    f.as_of
from fee_status f
join student_status t on t.student_no = f.student_no
where f.source_system = 'finance' and t.is_new_student
