-- FE-5: what a line has received = the write-off lines on it. A hub without write-offs has nothing to compare with.
with written as (
    select
        write_off_line.student_no,
        write_off_line.school_year,
        write_off_line.item_code,
        write_off_line.kind_code,
        sum(write_off_line.amount) as amount
    from write_off_line
    group by write_off_line.student_no, write_off_line.school_year, write_off_line.item_code, write_off_line.kind_code
)
select bill_line.source_system, bill_line.source_row
from bill_line
left join written on written.student_no = bill_line.student_no and written.school_year = bill_line.school_year
    and written.item_code = bill_line.item_code and written.kind_code = bill_line.kind_code
where bill_line.received <> coalesce(written.amount, 0) and exists (select 1 from write_off_line)
