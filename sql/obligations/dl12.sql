-- YWLC02/4: within five days after the collection closed the photo register, from which cards are made, is handed over.
select
    cast(1 as bigint) as needed,
    cast(count(distinct l.landed_on) as bigint) as found,
    cast(count(distinct l.landed_on) > 0 as boolean) as met,
    cast('handed_over_on_days=' || cast(count(distinct l.landed_on) as varchar) as varchar) as evidence
from occasion o
left join landing l
    on l.system = 'it_centre' and l.landed_rows > 0 and l.landed_on >= o.anchor_on and l.landed_on <= o.due_on
    and exists (select 1 from person_photo p where p.taken_on <= o.anchor_on)
