-- SJGXLC10/1: the four sources have handed over their newest state on the last day before term, or the day before that.
select
    cast(4 as bigint) as needed,
    cast(count(distinct l.system) as bigint) as found,
    cast(count(distinct l.system) = 4 as boolean) as met,
    cast('systems=' || cast(count(distinct l.system) as varchar) as varchar) as evidence
from occasion o
left join landing l
    on l.system in ('academic', 'hr', 'student_affairs', 'finance') and l.landed_on between o.due_on - 1 and o.due_on
    and exists (select 1 from student_contact)
