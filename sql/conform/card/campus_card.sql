select
    cast(nullif(trim(s.card_no), '') as varchar) as card_no,
    cast(coalesce(kind_code.code, trim(s.kind)) as varchar) as card_kind,
    cast(nullif(trim(s.person_no), '') as varchar) as holder_no,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state,
    cast(s.valid_to as date) as valid_to,
    cast(s.issued_on as date) as issued_on,
    cast(s.recovered_on as date) as recovered_on,
    cast(cast(s.balance_fen as decimal(12,0)) * cast(0.01 as decimal(3,2)) as decimal(12,2)) as balance,
    s.source_row as source_row,
    s.unreadable as unreadable
from campus_card.card s
left join codes.map kind_code
    on kind_code.system = 'campus_card' and kind_code.list = 'HUB/CARD_KIND' and kind_code.source_code = trim(s.kind)
left join codes.map state_code
    on state_code.system = 'campus_card' and state_code.list = 'HUB/CARD_STATE' and state_code.source_code = trim(s.state)
