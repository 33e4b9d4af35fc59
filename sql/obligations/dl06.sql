-- YWLC01/7 (recommended): every new undergraduate has a dormitory room, those apart who live at home (JY/JDFS 1).
select
    s.student_no as who,
    cast(g.student_no is not null as boolean) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
left join student p on p.student_no = s.student_no
left join (
    select distinct student_no from dorm_allocation where room_no is not null
) g on g.student_no = s.student_no
where s.source_system = 'academic' and coalesce(p.boarding_code, '2') <> '1'
