select
    cast(nullif(trim(s.person_no), '') as varchar) as person_no,
    cast(nullif(trim(s.month), '') as varchar) as month,
    cast(nullif(trim(s.item_code), '') as varchar) as item_code,
    cast(nullif(trim(s.item_name), '') as varchar) as item_name,
    cast(s.amount as decimal(12,2)) as amount,
    s.source_row as source_row
from finance.payroll s
