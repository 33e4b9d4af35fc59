-- FE-2. The lines are judged before their bill: a held line counts with its last good amounts, so a bill that has moved on
-- without its line is held too.
with lines as (
    select
        bill_line.student_no,
        bill_line.school_year,
        sum(bill_line.receivable) as receivable,
        sum(bill_line.relief) as relief,
        sum(bill_line.received) as received,
        sum(bill_line.outstanding) as outstanding
    from bill_line
    group by bill_line.student_no, bill_line.school_year
)
select bill.source_system, bill.source_row
from bill
left join lines on lines.student_no = bill.student_no and lines.school_year = bill.school_year
where bill.receivable <> coalesce(lines.receivable, 0)
    or bill.relief <> coalesce(lines.relief, 0)
    or bill.received <> coalesce(lines.received, 0)
    or bill.outstanding <> coalesce(lines.outstanding, 0)
