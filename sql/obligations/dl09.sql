-- YWLC01/5: on the day before the welcome finance hands over who of the new students has paid; a later day is late.
-- What counts is the time that finance gives its own rows, whatever the hub delivered; who cannot be read has handed over nothing.
with paid as (
    select count(f.student_no) as students
    from occasion o
    join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
    join fee_status f on f.student_no = s.student_no and f.school_year = o.school_year and f.received > 0
)
select
    cast(1 as bigint) as needed,
    cast(min(p.students) as bigint) as found,
    cast(count(f.student_no) > 0 and min(p.students) > 0 as boolean) as met,
    cast(
        'paid_new_students=' || cast(min(p.students) as varchar)
        || ' fee_rows_since=' || cast(count(f.student_no) as varchar) as varchar
    ) as evidence,
    cast(min(cast(f.as_of as date)) as date) as done_on
from occasion o
cross join paid p
left join fee_status f on cast(f.as_of as date) >= o.due_on and cast(f.as_of as date) <= o.as_of
