-- FE-12: locked in the hub's last version and locked now, by the same batch, with other amounts.
select bill.source_system, bill.source_row
from bill
join standing.bill stood on stood.student_no = bill.student_no and stood.school_year = bill.school_year
where bill.is_locked and stood.is_locked and bill.batch_no = stood.batch_no
    and (bill.receivable <> stood.receivable or bill.relief <> stood.relief
        or bill.received <> stood.received or bill.outstanding <> stood.outstanding)
