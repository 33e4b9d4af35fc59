-- SJGXLC03/1: number, college, major and class are given and the basic data are complete, for every student of the intake.
select
    s.student_no as who,
    cast(
        p.student_no is not null and p.name is not null and p.id_number is not null
        and s.unit_code is not null and s.major_code is not null as boolean
    ) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
left join student p on p.student_no = s.student_no
where s.source_system = 'graduate'
