-- Cleared means no book out and nothing owed; the library's own flag stands beside it. Debts are counted in fen at the source.
select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(s.on_loan = 0 and s.overdue_debt = 0 as boolean) as cleared,
    cast(case trim(s.certificate) when '已交' then true when '未交' then false end as boolean) as certificate_returned,
    cast(s.on_loan as bigint) as on_loan,
    cast(cast(s.overdue_debt as decimal(12,0)) * cast(0.01 as decimal(3,2)) as decimal(12,2)) as overdue_debt,
    cast(case trim(s.cleared) when '是' then true when '否' then false end as boolean) as declared_cleared,
    cast(s.checked_at as timestamp) as checked_at,
    s.source_row as source_row
from library.clearance s
