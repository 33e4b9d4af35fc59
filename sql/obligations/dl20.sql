-- YWLC04/4: on every day of registration the fee status reaches the registration system.
select
    cast(1 as bigint) as needed,
    cast(count(r.edge) as bigint) as found,
    cast(count(r.edge) > 0 as boolean) as met,
    cast('edge=E47 receipts=' || cast(count(r.edge) as varchar) as varchar) as evidence
from occasion o
left join receipt r on r.edge = 'E47' and r.accepted_on = o.due_on
