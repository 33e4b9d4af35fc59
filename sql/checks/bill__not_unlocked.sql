-- FE-12: the bank has answered for this bill, yet it is locked.
select bill.source_system, bill.source_row
from bill
join collection_line on collection_line.batch_no = bill.batch_no and collection_line.student_no = bill.student_no
    and collection_line.school_year = bill.school_year
where bill.is_locked and collection_line.result_code is not null
