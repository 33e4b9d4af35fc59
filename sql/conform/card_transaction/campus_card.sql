select
    cast(nullif(trim(s.txn_no), '') as varchar) as txn_no,
    cast(nullif(trim(s.card_no), '') as varchar) as card_no,
    cast(nullif(trim(s.person_no), '') as varchar) as holder_no,
    cast(s.txn_at as timestamp) as txn_at,
    cast(cast(s.amount_fen as decimal(12,0)) * cast(0.01 as decimal(3,2)) as decimal(12,2)) as txn_amount,
    cast(nullif(trim(s.merchant_code), '') as varchar) as merchant_code,
    cast(nullif(trim(s.merchant_name), '') as varchar) as merchant_name,
    cast(nullif(trim(s.place), '') as varchar) as place,
    s.source_row as source_row,
    s.unreadable as unreadable
from campus_card.card_transaction s
