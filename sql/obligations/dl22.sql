-- YWLC04/2 (recommended): nobody is registered earlier than a week after check-in began. Found counts those who were.
select
    cast(0 as bigint) as needed,
    cast(count(r.student_no) as bigint) as found,
    cast(count(r.student_no) = 0 as boolean) as met,
    cast('registered_too_early=' || cast(count(r.student_no) as varchar) as varchar) as evidence
from occasion o
left join registration r
    on r.school_year = o.school_year and r.term_code = o.term_code and r.registered_on < o.due_on
