-- SJGXLC05/2, /3: the undergraduates in school have confirmed their contact data, and 学生处 has reviewed them (state 2).
-- A row that waits for the person (0) or the office (1), or was sent back (9), is not done; nor is a review that says no day.
select
    s.student_no as who,
    cast(c.person_no is not null as boolean) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) <= left(o.school_year, 4)
left join student_contact c
    on c.person_no = s.student_no and c.review_state_code = '2' and c.confirmed_on is not null and c.reviewed_on <= o.as_of
where s.in_school and s.source_system = 'academic'
