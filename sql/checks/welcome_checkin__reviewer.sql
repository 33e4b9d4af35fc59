-- R08, YWLC01/14: 各院系副书记. The reviewer held the post of deputy secretary (HUB/POST_DUTY of its title) in the student's own
-- college on the day of arrival. Who moves between colleges belongs to both. A reviewer whom HR does not have yet is not judged.
with colleges as (
    select student_no, unit_code from student_status where unit_code is not null
    union
    select student_no, from_unit as unit_code from status_change where from_unit is not null
), reviewed as (
    select distinct w.source_system, w.source_row
    from welcome_checkin w
    join staff_post p on p.staff_no = w.green_channel_reviewer and p.duty_code = 'deputy_secretary'
    left join student_status t on t.student_no = w.student_no
    left join colleges c on c.student_no = w.student_no and c.unit_code = p.unit_code
    where (c.student_no is not null or t.unit_code is null)
        and (w.arrived_at is null or (p.start_on <= cast(w.arrived_at as date)
            and coalesce(p.end_on, cast('2099-12-31' as date)) >= cast(w.arrived_at as date)))
)
select w.source_system, w.source_row
from welcome_checkin w
left join staff s on s.staff_no = w.green_channel_reviewer
left join reviewed r on r.source_system = w.source_system and r.source_row = w.source_row
where w.green_channel in ('2', '3')
    and (w.green_channel_reviewer is null or (s.staff_no is not null and r.source_row is null))
