-- R08, YWLC01/14: reviewed by the deputy secretary of a college. A reviewer whom HR does not have yet is not judged.
select w.source_system, w.source_row
from welcome_checkin w
left join staff s on s.staff_no = w.green_channel_reviewer
left join org_unit u on u.unit_code = s.unit_code
where w.green_channel in ('2', '3') and (w.green_channel_reviewer is null or u.category_code <> '1')
