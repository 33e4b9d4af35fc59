-- YWLC06/5, R19: what is recommended to the news site and the home page is published after 宣传部 has reviewed it.
select source_system, source_row
from portal_item
where is_recommended and state_code = '1' and (reviewed_on is null or reviewed_on > cast(published_at as date))
