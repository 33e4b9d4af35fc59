-- R06, YWLC04/6: deferred on approved leave, and not checked in.
select source_system, source_row
from registration
where deferred and (checkin_on is not null or state_code <> '3' or not coalesce(on_leave, false))
