-- SJGXLC01/2: the person has confirmed: what only the person knows, telephone and e-mail, is there.
select
    cast(count(s.staff_no) as bigint) as needed,
    cast(count(case when s.mobile is not null and s.email is not null then 1 end) as bigint) as found,
    cast(count(case when s.mobile is not null and s.email is not null then 1 end) = count(s.staff_no) as boolean) as met,
    cast(
        'joined=' || cast(count(s.staff_no) as varchar)
        || ' complete=' || cast(count(case when s.mobile is not null and s.email is not null then 1 end) as varchar) as varchar
    ) as evidence
from occasion o
left join staff s on s.joined_on = o.anchor_on
