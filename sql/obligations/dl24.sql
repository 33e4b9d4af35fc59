-- YWLC05/4: on every day of the leaving season the fee status reaches the leaving system.
select
    cast(1 as bigint) as needed,
    cast(count(r.edge) as bigint) as found,
    cast(count(r.edge) > 0 as boolean) as met,
    cast('edge=E50 receipts=' || cast(count(r.edge) as varchar) as varchar) as evidence
from occasion o
left join receipt r on r.edge = 'E50' and r.accepted_on = o.due_on
