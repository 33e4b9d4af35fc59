-- SJGXLC04/3: the payroll of the month is in the hub, and is the month's: it names as many persons as `enough_percent` of the month
-- before asks for and 80 % of the staff in post when the month began, and its sum is 80 % to 250 % of that of the month before.
with months as (
    select month, count(distinct person_no) as persons, sum(amount) as amount from payroll_item group by month
), asked as (
    select o.month, o.enough_percent, o.begins_on, max(b.month) as before
    from occasion o
    left join months b on b.month < o.month
    group by o.month, o.enough_percent, o.begins_on
), posts as (
    select count(s.staff_no) as persons
    from asked a
    left join staff s on s.state_code in ('11', '12', '13', '14', '15') and s.joined_on < a.begins_on
)
select
    cast(greatest(coalesce(b.persons, p.persons, 1), 1) as bigint) as needed,
    cast(coalesce(m.persons, 0) as bigint) as found,
    cast(m.persons is not null and m.persons * 100 >= coalesce(b.persons, 1) * a.enough_percent and m.persons * 100 >= p.persons * 80
        and (b.amount is null or (m.amount * 100 >= b.amount * 80 and m.amount * 100 <= b.amount * 250)) as boolean) as met,
    cast(
        'month=' || a.month || ' persons=' || cast(coalesce(m.persons, 0) as varchar)
        || ' month_before=' || coalesce(a.before, '-') || ' persons_before=' || cast(coalesce(b.persons, 0) as varchar)
        || ' in_post=' || cast(p.persons as varchar) || ' sum_percent='
        || coalesce(cast(cast(floor(m.amount * 100 / nullif(b.amount, 0)) as bigint) as varchar), '-') as varchar
    ) as evidence
from asked a
cross join posts p
left join months m on m.month = a.month
left join months b on b.month = a.before
