select
    cast(trim(a.staff_no) as varchar) as staff_no,
    cast(a.amount as decimal(12, 2)) as amount,
    a.source_row as source_row
from finance.allowance a
