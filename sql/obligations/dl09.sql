-- YWLC01/5: on the day before the welcome finance hands over who of the new students has paid; a later day is late.
-- What counts is the time that finance gives its own data, whatever the hub kept or delivered; who cannot be read has handed
-- over nothing.
with handed as (
    select newest_on as handed_on from landing where system = 'finance' and newest_on is not null
    union
    select cast(as_of as date) as handed_on from fee_status
), paid as (
    select count(f.student_no) as students
    from occasion o
    join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
    join fee_status f on f.student_no = s.student_no and f.school_year = o.school_year and f.received > 0
)
select
    cast(1 as bigint) as needed,
    cast(min(case when p.students > 0 and h.handed_on is not null then 1 else 0 end) as bigint) as found,
    cast(count(h.handed_on) > 0 and min(p.students) > 0 as boolean) as met,
    cast(
        'paid_new_students=' || cast(min(p.students) as varchar)
        || ' handed_over_on=' || coalesce(cast(min(h.handed_on) as varchar), '-') as varchar
    ) as evidence,
    cast(min(h.handed_on) as date) as done_on
from occasion o
cross join paid p
left join handed h on h.handed_on >= o.due_on and h.handed_on <= o.as_of
