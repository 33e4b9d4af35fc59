-- SJGXLC01/3: the record is reviewed: establishment, category and state are given.
select
    cast(count(s.staff_no) as bigint) as needed,
    cast(count(case when s.establishment_code is not null and s.category_code is not null and s.state_code is not null then 1 end) as bigint) as found,
    cast(count(case when s.establishment_code is not null and s.category_code is not null and s.state_code is not null then 1 end) = count(s.staff_no) as boolean) as met,
    cast(
        'joined=' || cast(count(s.staff_no) as varchar)
        || ' complete=' || cast(count(case when s.establishment_code is not null and s.category_code is not null and s.state_code is not null then 1 end) as varchar) as varchar
    ) as evidence
from occasion o
left join staff s on s.joined_on = o.anchor_on
