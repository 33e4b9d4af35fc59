select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(coalesce(fund_code.code, nullif(trim(s.fund), '')) as varchar) as fund_code,
    cast(s.balance as decimal(12,2)) as balance,
    s.source_row as source_row
from finance.account_fund s
left join codes.map fund_code
    on fund_code.system = 'finance' and fund_code.list = 'HUB/FUND_TYPE' and fund_code.source_code = trim(s.fund)
