-- SJGXLC05/2: the undergraduates in school have confirmed their contact data, and 学生处 has reviewed them.
select
    s.student_no as who,
    cast(c.person_no is not null as boolean) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) <= left(o.school_year, 4)
left join student_contact c on c.person_no = s.student_no
where s.in_school and s.source_system = 'academic'
