select
    cast(coalesce(item_code.code, nullif(trim(s.item), '')) as varchar) as item_code,
    cast(nullif(trim(s.item_name), '') as varchar) as item_name,
    cast(s.is_required as boolean) as is_required,
    cast(s.priority as bigint) as priority,
    cast(nullif(trim(s.period), '') as varchar) as period,
    cast(coalesce(state_code.code, nullif(trim(s.state), '')) as varchar) as state_code,
    s.source_row as source_row
from finance.fee_item s
left join codes.map item_code
    on item_code.system = 'finance' and item_code.list = 'HUB/FEE_ITEM' and item_code.source_code = trim(s.item)
left join codes.map state_code
    on state_code.system = 'finance' and state_code.list = 'HUB/FEE_ITEM_STATE' and state_code.source_code = trim(s.state)
