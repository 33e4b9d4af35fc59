-- R02, YWLC04/7, SJGXLC10/2: whose basis is payment has paid the required items of this and every earlier school year, as
-- finance says.
with debt as (
    select student_no, min(school_year) as school_year from fee_status where not required_items_paid group by student_no
)
select r.source_system, r.source_row
from registration r
join debt d on d.student_no = r.student_no and d.school_year <= r.school_year
where r.state_code = '1' and r.basis = '1'
