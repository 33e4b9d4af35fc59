-- YWLC01/7 (recommended): every new undergraduate has a dormitory room, those apart who live at home (JY/JDFS 1).
select
    cast(count(t.student_no) as bigint) as needed,
    cast(count(t.has_it) as bigint) as found,
    cast(
        count(t.student_no) > 0 and count(t.has_it) * 100 >= count(t.student_no) * min(o.enough_percent) as boolean
    ) as met,
    cast(
        'new_students=' || cast(count(t.student_no) as varchar) || ' rooms=' || cast(count(t.has_it) as varchar)
        || ' enough_percent=' || cast(min(o.enough_percent) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select s.student_no, s.entry_month, g.student_no as has_it
    from student_status s
    left join student p on p.student_no = s.student_no
    left join (
        select distinct student_no from dorm_allocation where room_no is not null
    ) g on g.student_no = s.student_no
    where s.source_system = 'academic' and coalesce(p.boarding_code, '2') <> '1'
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
