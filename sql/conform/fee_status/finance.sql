-- The closed years come from the old table; their rows are counted downwards, so that a row's position stays unique.
select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state_code,
    cast(coalesce(adjustment_code.code, trim(s.adjustment)) as varchar) as adjustment_code,
    cast(s.receivable as decimal(12,2)) as receivable,
    cast(s.relief as decimal(12,2)) as relief,
    cast(s.received as decimal(12,2)) as received,
    cast(s.outstanding as decimal(12,2)) as outstanding,
    cast(case s.required_items_paid when 'Y' then true when 'N' then false end as boolean) as required_items_paid,
    cast(s.as_of as timestamp) as as_of,
    s.source_row as source_row,
    s.unreadable as unreadable
from finance.student_fee s
left join codes.map state_code
    on state_code.system = 'finance' and state_code.list = 'JY/JNXFZK' and state_code.source_code = trim(s.state)
left join codes.map adjustment_code
    on adjustment_code.system = 'finance' and adjustment_code.list = 'JY/XSSFTZFS' and adjustment_code.source_code = trim(s.adjustment)
union all
select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(trim(s.school_year), '') as varchar) as school_year,
    cast(nullif(trim(s.state_code), '') as varchar) as state_code,
    cast(null as varchar) as adjustment_code,
    cast(s.receivable as decimal(12,2)) as receivable,
    cast(s.relief as decimal(12,2)) as relief,
    cast(s.received as decimal(12,2)) as received,
    cast(s.outstanding as decimal(12,2)) as outstanding,
    cast(s.required_items_paid as boolean) as required_items_paid,
    cast(s.as_of as timestamp) as as_of,
    -1 - s.source_row as source_row,
    s.unreadable as unreadable
from finance.legacy_fee s
