-- FE-12: a line of a bill that is locked now and was locked in the hub's last version, with other amounts or new.
with locked as (
    select bill.student_no, bill.school_year
    from bill
    join standing.bill stood on stood.student_no = bill.student_no and stood.school_year = bill.school_year
    where bill.is_locked and stood.is_locked and bill.batch_no = stood.batch_no
)
select bill_line.source_system, bill_line.source_row
from bill_line
join locked on locked.student_no = bill_line.student_no and locked.school_year = bill_line.school_year
left join standing.bill_line stood on stood.student_no = bill_line.student_no and stood.school_year = bill_line.school_year
    and stood.item_code = bill_line.item_code and stood.kind_code = bill_line.kind_code
where stood.student_no is null or bill_line.receivable <> stood.receivable or bill_line.relief <> stood.relief
    or bill_line.received <> stood.received or bill_line.outstanding <> stood.outstanding
