-- YWLC02/4: the photo of every new student in school is taken. New staff have their own day (finding F17).
select
    s.student_no as who,
    cast(g.student_no is not null as boolean) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
left join (
    select distinct person_no as student_no from person_photo where taken_on is not null
) g on g.student_no = s.student_no
where s.in_school
