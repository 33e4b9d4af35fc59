select
    cast(nullif(trim(s.voucher_no), '') as varchar) as voucher_no,
    cast(nullif(trim(s.person_no), '') as varchar) as person_no,
    cast(nullif(trim(s.project_no), '') as varchar) as project_no,
    cast(s.amount as decimal(12,2)) as amount,
    cast(s.paid_on as date) as paid_on,
    cast(nullif(trim(s.summary), '') as varchar) as summary,
    s.source_row as source_row
from finance.reimbursement s
