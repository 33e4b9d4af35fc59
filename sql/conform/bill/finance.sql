select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(nullif(trim(s.standard_code), '') as varchar) as standard_code,
    cast(s.receivable as decimal(12,2)) as receivable,
    cast(s.relief as decimal(12,2)) as relief,
    cast(s.received as decimal(12,2)) as received,
    cast(s.outstanding as decimal(12,2)) as outstanding,
    cast(s.is_locked as boolean) as is_locked,
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(s.locked_at as timestamp) as locked_at,
    cast(s.billed_on as date) as billed_on,
    s.source_row as source_row
from finance.bill s
