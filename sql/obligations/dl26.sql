-- SJGXLC14/2 to /5: every graduating student has confirmed the place of origin (the text's main point) in the employment system, and
-- the employment office or the graduate school has reviewed it (state 2) by a day that it names.
select
    cast(count(s.student_no) as bigint) as needed,
    cast(count(case when e.review_state_code = '2' and e.reviewed_on <= o.as_of then 1 end) as bigint) as found,
    cast(count(s.student_no) > 0
        and count(case when e.review_state_code = '2' and e.reviewed_on <= o.as_of then 1 end) = count(s.student_no) as boolean) as met,
    cast(
        'graduating=' || cast(count(s.student_no) as varchar)
        || ' origin_confirmed=' || cast(count(e.student_no) as varchar)
        || ' reviewed=' || cast(count(case when e.review_state_code = '2' and e.reviewed_on <= o.as_of then 1 end) as varchar) as varchar
    ) as evidence
from occasion o
left join student_status s on s.in_school and left(s.expected_graduation, 4) = right(o.school_year, 4)
left join employment e
    on e.student_no = s.student_no and e.origin_place_code is not null and e.origin_confirmed_on <= o.as_of
