-- YWLC04/1, F13: 规定项目 (fee_item.is_required: tuition, accommodation) of the year's own bill are settled.
with required as (
    select
        bill_line.student_no,
        bill_line.school_year,
        sum(case when fee_item.is_required and bill_line.kind_code = '1' then bill_line.outstanding else 0 end) as outstanding
    from bill_line
    join fee_item on fee_item.item_code = bill_line.item_code
    group by bill_line.student_no, bill_line.school_year
)
select fee_status.source_system, fee_status.source_row
from fee_status
join required on required.student_no = fee_status.student_no and required.school_year = fee_status.school_year
where fee_status.required_items_paid <> (required.outstanding = 0)
