-- YWLC02/6: the formal card is given out and no temporary card is left valid in the hands of the new student.
select
    cast(count(t.student_no) as bigint) as needed,
    cast(count(t.has_it) as bigint) as found,
    cast(
        count(t.student_no) > 0 and count(t.has_it) * 100 >= count(t.student_no) * min(o.enough_percent) as boolean
    ) as met,
    cast(
        'new_students=' || cast(count(t.student_no) as varchar) || ' issued_and_recovered=' || cast(count(t.has_it) as varchar)
        || ' enough_percent=' || cast(min(o.enough_percent) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select s.student_no, s.entry_month, g.student_no as has_it
    from student_status s
    left join (
        select f.holder_no as student_no
        from card f
        where f.card_kind = '2' and f.issued_on is not null and not exists (
            select 1 from card t where t.holder_no = f.holder_no and t.card_kind = '1' and t.recovered_on is null and t.state = '1'
        )
        group by f.holder_no
    ) g on g.student_no = s.student_no
    where s.in_school
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
