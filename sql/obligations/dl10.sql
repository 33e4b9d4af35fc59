-- YWLC02/2: the records of the new students in school are cleaned: who they are, where they belong, their class.
select
    cast(count(t.student_no) as bigint) as needed,
    cast(count(t.has_it) as bigint) as found,
    cast(
        count(t.student_no) > 0 and count(t.has_it) * 100 >= count(t.student_no) * min(o.enough_percent) as boolean
    ) as met,
    cast(
        'new_students=' || cast(count(t.student_no) as varchar) || ' verified=' || cast(count(t.has_it) as varchar)
        || ' enough_percent=' || cast(min(o.enough_percent) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select s.student_no, s.entry_month, g.student_no as has_it
    from student_status s
    left join (
        select p.student_no
        from student p
        inner join student_status c on c.student_no = p.student_no
        where p.name is not null and p.sex_code is not null and p.birth_date is not null and p.id_number is not null
            and p.ethnicity_code is not null and c.class_no is not null and c.major_code is not null
    ) g on g.student_no = s.student_no
    where s.source_system = 'academic' and s.in_school
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
