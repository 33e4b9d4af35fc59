-- SJGXLC10/1: before term each of the four systems was brought up to date: what it holds changed within the last thirty days,
-- and could be read on the last day or the day before. That the hub only read it is not enough. Evidence: the day of the change.
with fresh as (
    select l.system, max(l.landed_on) as read_on, max(case when l.is_new then l.landed_on end) as changed_on
    from occasion o
    join landing l on l.landed_on <= o.as_of and l.landed_rows > 0
    where l.system in ('academic', 'hr', 'student_affairs', 'finance')
    group by l.system
)
select
    cast(4 as bigint) as needed,
    cast(count(case when f.read_on >= o.due_on - 1 and f.changed_on > o.due_on - 30 then 1 end) as bigint) as found,
    cast(count(case when f.read_on >= o.due_on - 1 and f.changed_on > o.due_on - 30 then 1 end) = 4 as boolean) as met,
    cast(
        'academic=' || coalesce(cast(max(case when f.system = 'academic' then f.changed_on end) as varchar), '-')
        || ' hr=' || coalesce(cast(max(case when f.system = 'hr' then f.changed_on end) as varchar), '-')
        || ' student_affairs=' || coalesce(cast(max(case when f.system = 'student_affairs' then f.changed_on end) as varchar), '-')
        || ' finance=' || coalesce(cast(max(case when f.system = 'finance' then f.changed_on end) as varchar), '-') as varchar
    ) as evidence
from occasion o
left join fresh f on f.read_on <= o.as_of
