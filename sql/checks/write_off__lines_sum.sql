-- FE-5: the amount = the sum of its lines.
with lines as (
    select write_off_line.write_off_no, sum(write_off_line.amount) as amount
    from write_off_line
    group by write_off_line.write_off_no
)
select write_off.source_system, write_off.source_row
from write_off
left join lines on lines.write_off_no = write_off.write_off_no
where write_off.amount <> coalesce(lines.amount, 0)
