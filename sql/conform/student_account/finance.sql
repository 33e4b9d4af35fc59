select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(s.balance as decimal(12,2)) as balance,
    cast(s.opened_on as date) as opened_on,
    s.source_row as source_row
from finance.student_account s
