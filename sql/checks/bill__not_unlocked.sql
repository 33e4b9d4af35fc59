-- FE-12: the bank has answered for this bill, or was never asked, yet it is locked.
select bill.source_system, bill.source_row
from bill
left join collection_line on collection_line.batch_no = bill.batch_no and collection_line.student_no = bill.student_no
    and collection_line.school_year = bill.school_year
where bill.is_locked and (bill.batch_no is null or collection_line.result_code is not null)
