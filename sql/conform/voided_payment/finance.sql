select
    cast(nullif(trim(s.payment_no), '') as varchar) as payment_no,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(s.paid_on as date) as paid_on,
    cast(s.amount as decimal(12,2)) as amount,
    cast(nullif(trim(s.cancels_no), '') as varchar) as cancels_no,
    cast(s.voided_on as date) as voided_on,
    cast(nullif(trim(s.collector_no), '') as varchar) as collector_no,
    s.source_row as source_row
from finance.voided_payment s
