-- R20: only temporary cards are recovered, on a day that is known.
select source_system, source_row
from card
where (state = '5' and (card_kind <> '1' or recovered_on is null)) or (state <> '5' and recovered_on is not null)
    or recovered_on < issued_on
