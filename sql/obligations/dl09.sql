-- YWLC01/5: on the day before the welcome the paid new students reach the welcome system.
select
    cast(1 as bigint) as needed,
    cast(count(r.edge) as bigint) as found,
    cast(count(r.edge) > 0 as boolean) as met,
    cast('edge=E46 receipts=' || cast(count(r.edge) as varchar) as varchar) as evidence
from occasion o
left join receipt r on r.edge = 'E46' and r.accepted_on = o.due_on
