-- Arrival results (SJGXLC09/3). Fee step and green channel stay with the welcome system.
select
    w.student_no,
    w.batch_no,
    w.arrived_at,
    w.arrived_at is not null as has_arrived,
    w.notice_checked,
    w.card_issued
from welcome_checkin w
where w.source_system = 'welcome'
