-- SJGXLC14/2, /3: every graduating student has confirmed the place of origin (the text's main point) in the employment system.
select
    cast(count(s.student_no) as bigint) as needed,
    cast(count(e.student_no) as bigint) as found,
    cast(count(s.student_no) > 0 and count(e.student_no) = count(s.student_no) as boolean) as met,
    cast(
        'graduating=' || cast(count(s.student_no) as varchar)
        || ' origin_confirmed=' || cast(count(e.student_no) as varchar) as varchar
    ) as evidence
from occasion o
left join student_status s on s.in_school and left(s.expected_graduation, 4) = right(o.school_year, 4)
left join employment e
    on e.student_no = s.student_no and e.origin_place_code is not null and e.origin_confirmed_on <= o.as_of
