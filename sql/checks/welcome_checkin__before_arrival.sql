-- YWLC01/13: on site.
select source_system, source_row
from welcome_checkin
where arrived_at is null and (notice_checked or card_issued or green_channel <> '0')
