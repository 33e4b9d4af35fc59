-- SJGXLC14/4, /5: reviewed means that both days are known and in order.
select source_system, source_row
from employment
where review_state_code = '2' and (origin_confirmed_on is null or reviewed_on is null or reviewed_on < origin_confirmed_on)
