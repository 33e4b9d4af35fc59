-- YWLC02/6: the formal card is given out and no temporary card is left valid in the hands of the new student.
select
    s.student_no as who,
    cast(g.student_no is not null as boolean) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
left join (
    select f.holder_no as student_no
    from card f
    where f.card_kind = '2' and f.issued_on is not null and not exists (
        select 1 from card t where t.holder_no = f.holder_no and t.card_kind = '1' and t.recovered_on is null and t.state = '1'
    )
    group by f.holder_no
) g on g.student_no = s.student_no
where s.in_school
