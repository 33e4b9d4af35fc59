-- SJGXLC03/1: number, college, major and class are given and the basic data are complete, for every student of the intake.
select
    cast(count(t.student_no) as bigint) as needed,
    cast(count(case when t.is_complete then 1 end) as bigint) as found,
    cast(
        count(t.student_no) > 0 and count(case when t.is_complete then 1 end) = count(t.student_no) as boolean
    ) as met,
    cast(
        'new_students=' || cast(count(t.student_no) as varchar)
        || ' complete=' || cast(count(case when t.is_complete then 1 end) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select
        s.student_no,
        s.entry_month,
        p.student_no is not null and p.name is not null and p.id_number is not null
        and s.unit_code is not null and s.major_code is not null as is_complete
    from student_status s
    left join student p on p.student_no = s.student_no
    where s.source_system = 'graduate'
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
