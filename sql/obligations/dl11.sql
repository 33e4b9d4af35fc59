-- YWLC02/4: the photo of every new student in school is taken. New staff have their own day (finding F17).
select
    cast(count(t.student_no) as bigint) as needed,
    cast(count(t.has_it) as bigint) as found,
    cast(
        count(t.student_no) > 0 and count(t.has_it) * 100 >= count(t.student_no) * min(o.enough_percent) as boolean
    ) as met,
    cast(
        'new_students=' || cast(count(t.student_no) as varchar) || ' photos=' || cast(count(t.has_it) as varchar)
        || ' enough_percent=' || cast(min(o.enough_percent) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select s.student_no, s.entry_month, g.student_no as has_it
    from student_status s
    left join (
        select distinct person_no as student_no from person_photo where taken_on is not null
    ) g on g.student_no = s.student_no
    where s.in_school
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
