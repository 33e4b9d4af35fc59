-- SJGXLC09/2: the step follows finance, a night later; so it may say less than finance does of the first school year, never more.
select w.source_system, w.source_row
from welcome_checkin w
join student_status t on t.student_no = w.student_no
join fee_status f on f.student_no = w.student_no and left(f.school_year, 4) = left(t.entry_month, 4)
where w.fee_step in ('2', '3') and f.outstanding > 0
