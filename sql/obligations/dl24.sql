-- YWLC05/4: on every day of the leaving season finance hands over fee data of that day.
-- What counts is the time that finance gives its own rows, whatever the hub delivered; who cannot be read has handed over nothing.
select
    cast(1 as bigint) as needed,
    cast(count(distinct cast(f.as_of as date)) as bigint) as found,
    cast(count(f.student_no) > 0 as boolean) as met,
    cast('fee_rows_of_the_day=' || cast(count(f.student_no) as varchar) as varchar) as evidence,
    cast(min(cast(f.as_of as date)) as date) as done_on
from occasion o
left join fee_status f on cast(f.as_of as date) = o.due_on
