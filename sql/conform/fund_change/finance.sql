select
    cast(nullif(trim(s.change_no), '') as varchar) as change_no,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(coalesce(fund_code.code, nullif(trim(s.fund), '')) as varchar) as fund_code,
    cast(coalesce(direction_code.code, nullif(trim(s.direction), '')) as varchar) as direction_code,
    cast(coalesce(kind_code.code, nullif(trim(s.kind), '')) as varchar) as kind_code,
    cast(s.amount as decimal(12,2)) as amount,
    cast(nullif(trim(s.payment_no), '') as varchar) as payment_no,
    cast(nullif(trim(s.write_off_no), '') as varchar) as write_off_no,
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(s.changed_at as timestamp) as changed_at,
    s.source_row as source_row
from finance.fund_change s
left join codes.map fund_code
    on fund_code.system = 'finance' and fund_code.list = 'HUB/FUND_TYPE' and fund_code.source_code = trim(s.fund)
left join codes.map direction_code
    on direction_code.system = 'finance' and direction_code.list = 'HUB/FUND_DIRECTION' and direction_code.source_code = trim(s.direction)
left join codes.map kind_code
    on kind_code.system = 'finance' and kind_code.list = 'HUB/FUND_CHANGE_KIND' and kind_code.source_code = trim(s.kind)
