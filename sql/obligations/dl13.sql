-- YWLC02/5: a formal card (card_kind 2) is made for every new student in school.
select
    s.student_no as who,
    cast(g.student_no is not null as boolean) as has_it
from occasion o
join student_status s on left(s.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
left join (
    select distinct holder_no as student_no from card where card_kind = '2'
) g on g.student_no = s.student_no
where s.in_school
