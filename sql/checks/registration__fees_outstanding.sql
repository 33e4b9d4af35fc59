-- R02, YWLC04/7: whose basis is payment has paid the required items of the school year, as finance says.
select r.source_system, r.source_row
from registration r
join fee_status f on f.student_no = r.student_no and f.school_year = r.school_year
where r.state_code = '1' and r.basis = '1' and not f.required_items_paid
