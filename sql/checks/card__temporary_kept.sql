-- R20, YWLC02/6: the temporary card is taken back when the formal one is given out.
with formal as (
    select holder_no from card where card_kind = '2' and state = '1' and issued_on is not null group by holder_no
)
select c.source_system, c.source_row
from card c
join formal on formal.holder_no = c.holder_no
where c.card_kind = '1' and c.state = '1'
