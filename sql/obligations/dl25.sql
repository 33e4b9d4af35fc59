-- SJGXLC05/2: the undergraduates in school have confirmed their contact data, and 学生处 has reviewed them.
select
    cast(count(s.student_no) as bigint) as needed,
    cast(count(c.person_no) as bigint) as found,
    cast(count(s.student_no) > 0 and count(c.person_no) * 100 >= count(s.student_no) * min(o.enough_percent) as boolean) as met,
    cast(
        'in_school=' || cast(count(s.student_no) as varchar) || ' confirmed=' || cast(count(c.person_no) as varchar)
        || ' enough_percent=' || cast(min(o.enough_percent) as varchar) as varchar
    ) as evidence
from occasion o
left join student_status s on s.in_school and s.source_system = 'academic' and left(s.entry_month, 4) <= left(o.school_year, 4)
left join student_contact c on c.person_no = s.student_no
