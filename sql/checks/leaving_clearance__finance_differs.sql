-- R09, YWLC05/4: no debt of any school year.
with debt as (
    select student_no from fee_status where outstanding > 0 group by student_no
)
select c.source_system, c.source_row
from leaving_clearance c
join debt on debt.student_no = c.student_no
where c.clear_finance in ('1', '2')
