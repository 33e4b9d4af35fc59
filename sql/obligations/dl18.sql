-- SJGXLC04/3: the payroll of the month is in the hub, and names as many persons as `enough_percent` of the month before asks for.
with months as (
    select month, count(distinct person_no) as persons from payroll_item group by month
), asked as (
    select o.month, o.enough_percent, max(b.month) as before
    from occasion o
    left join months b on b.month < o.month
    group by o.month, o.enough_percent
)
select
    cast(coalesce(b.persons, 1) as bigint) as needed,
    cast(coalesce(m.persons, 0) as bigint) as found,
    cast(m.persons is not null and m.persons * 100 >= coalesce(b.persons, 1) * a.enough_percent as boolean) as met,
    cast(
        'month=' || a.month || ' persons=' || cast(coalesce(m.persons, 0) as varchar)
        || ' month_before=' || coalesce(a.before, '-') || ' persons_before=' || cast(coalesce(b.persons, 0) as varchar) as varchar
    ) as evidence
from asked a
left join months m on m.month = a.month
left join months b on b.month = a.before
