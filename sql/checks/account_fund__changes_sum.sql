-- FE-4: what came in less what went out.
with changes as (
    select
        fund_change.student_no,
        fund_change.fund_code,
        sum(case when fund_change.direction_code = '1' then fund_change.amount else -fund_change.amount end) as balance
    from fund_change
    group by fund_change.student_no, fund_change.fund_code
)
select account_fund.source_system, account_fund.source_row
from account_fund
left join changes on changes.student_no = account_fund.student_no and changes.fund_code = account_fund.fund_code
where account_fund.balance <> coalesce(changes.balance, 0)
