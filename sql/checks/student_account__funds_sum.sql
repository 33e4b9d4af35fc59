-- FE-3: 资金余额 = the sum of the balances of its funds.
with funds as (
    select account_fund.student_no, sum(account_fund.balance) as balance
    from account_fund
    group by account_fund.student_no
)
select student_account.source_system, student_account.source_row
from student_account
left join funds on funds.student_no = student_account.student_no
where student_account.balance <> coalesce(funds.balance, 0)
