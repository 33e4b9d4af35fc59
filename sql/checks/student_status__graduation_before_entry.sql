-- Both are YYYYMM, whose order as text is the order in time.
select source_system, source_row
from student_status
where expected_graduation <= entry_month
