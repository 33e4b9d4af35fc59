-- YWLC01/6: a temporary card (card_kind 1) lies ready for every new student.
select
    cast(count(t.student_no) as bigint) as needed,
    cast(count(t.has_it) as bigint) as found,
    cast(
        count(t.student_no) > 0 and count(t.has_it) * 100 >= count(t.student_no) * min(o.enough_percent) as boolean
    ) as met,
    cast(
        'new_students=' || cast(count(t.student_no) as varchar) || ' temporary_cards=' || cast(count(t.has_it) as varchar)
        || ' enough_percent=' || cast(min(o.enough_percent) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select s.student_no, s.entry_month, g.student_no as has_it
    from student_status s
    left join (
        select distinct holder_no as student_no from card where card_kind = '1'
    ) g on g.student_no = s.student_no
    where s.source_system = 'academic'
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
