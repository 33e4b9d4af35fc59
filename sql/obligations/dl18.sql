-- SJGXLC04/3: the payroll of the month is in the hub.
select
    cast(1 as bigint) as needed,
    cast(count(distinct p.person_no) as bigint) as found,
    cast(count(distinct p.person_no) > 0 as boolean) as met,
    cast('month=' || min(o.month) || ' persons=' || cast(count(distinct p.person_no) as varchar) as varchar) as evidence
from occasion o
left join payroll_item p on p.month = o.month
