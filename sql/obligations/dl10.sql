-- YWLC02/2: the records of the new students in school are cleaned: who they are, where they belong, their class.
select
    s.student_no as who,
    cast(
        p.name is not null and p.sex_code is not null and p.birth_date is not null and p.id_number is not null
        and p.ethnicity_code is not null and s.class_no is not null and s.major_code is not null as boolean
    ) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
left join student p on p.student_no = s.student_no
where s.source_system = 'academic' and s.in_school
