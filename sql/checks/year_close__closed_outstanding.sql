-- FE-9: what was closed = the fee table of that year.
select year_close.source_system, year_close.source_row
from year_close
join fee_status on fee_status.student_no = year_close.student_no and fee_status.school_year = year_close.school_year
where year_close.closed_outstanding <> fee_status.outstanding
