-- SJGXLC01/1: who reported on that day has a number and basic data within a week.
select
    cast(count(s.staff_no) as bigint) as needed,
    cast(count(case when s.name is not null and s.unit_code is not null and s.id_number is not null then 1 end) as bigint) as found,
    cast(count(case when s.name is not null and s.unit_code is not null and s.id_number is not null then 1 end) = count(s.staff_no) as boolean) as met,
    cast(
        'joined=' || cast(count(s.staff_no) as varchar)
        || ' complete=' || cast(count(case when s.name is not null and s.unit_code is not null and s.id_number is not null then 1 end) as varchar) as varchar
    ) as evidence
from occasion o
left join staff s on s.joined_on = o.anchor_on
