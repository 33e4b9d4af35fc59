-- R08, YWLC01/15: 绿色通道申请审核监管由学生处.
select source_system, source_row
from welcome_checkin
where green_channel in ('2', '3') and not coalesce(green_channel_supervised, false)
