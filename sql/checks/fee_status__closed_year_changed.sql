-- FE-9: a school year before the latest is closed and read-only.
with latest as (
    select max(fee_status.school_year) as school_year from fee_status
)
select fee_status.source_system, fee_status.source_row
from fee_status
join latest on latest.school_year > fee_status.school_year
join standing.fee_status stood on stood.student_no = fee_status.student_no and stood.school_year = fee_status.school_year
where fee_status.state_code is distinct from stood.state_code
    or fee_status.receivable is distinct from stood.receivable
    or fee_status.relief is distinct from stood.relief
    or fee_status.received is distinct from stood.received
    or fee_status.outstanding is distinct from stood.outstanding
    or fee_status.required_items_paid is distinct from stood.required_items_paid
