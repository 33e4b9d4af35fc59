-- YWLC04/4: on every day of registration finance hands over fee data of that day.
-- What counts is the time that finance gives its own data, whatever the hub kept or delivered; who cannot be read has handed
-- over nothing.
with handed as (
    select newest_on as handed_on from landing where system = 'finance' and newest_on is not null
    union
    select cast(as_of as date) as handed_on from fee_status
)
select
    cast(1 as bigint) as needed,
    cast(count(h.handed_on) as bigint) as found,
    cast(count(h.handed_on) > 0 as boolean) as met,
    cast('handed_over_that_day=' || cast(count(h.handed_on) as varchar) as varchar) as evidence,
    cast(min(h.handed_on) as date) as done_on
from occasion o
left join handed h on h.handed_on = o.due_on
