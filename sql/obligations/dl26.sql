-- SJGXLC14/2: the graduating students have an origin place (the text's main point).
select
    cast(count(s.student_no) as bigint) as needed,
    cast(count(p.origin_place_code) as bigint) as found,
    cast(count(s.student_no) > 0 and count(p.origin_place_code) = count(s.student_no) as boolean) as met,
    cast(
        'graduating=' || cast(count(s.student_no) as varchar)
        || ' with_origin_place=' || cast(count(p.origin_place_code) as varchar) as varchar
    ) as evidence
from occasion o
left join student_status s on s.in_school and left(s.expected_graduation, 4) = right(o.school_year, 4)
left join student p on p.student_no = s.student_no
