-- Purchases, shown to the person and to nobody else (YWLC03/5); where the terminal stands is not told.
select
    t.txn_no,
    t.holder_no,
    t.txn_at,
    t.txn_amount,
    t.merchant_name
from card_transaction t
where t.source_system = 'campus_card'
