-- YWLC03/5: a purchase is shown to the holder of its card.
select t.source_system, t.source_row
from card_transaction t
join card c on c.card_no = t.card_no
where c.holder_no <> t.holder_no
