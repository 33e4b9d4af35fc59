select
    n.person_id as person_id, n.number as number, 'T' as role, s.unit_code as unit_code, s.state_code as state_code,
    s.state_code in ('11', '12', '13', '14', '15') as is_active, s.joined_on as valid_from, cast(null as date) as valid_to
from hub.person_number n
join hub.staff s on s.staff_no = n.number
union all
select
    n.person_id as person_id, n.number as number, 'S' as role, c.unit_code as unit_code, c.state_code as state_code,
    coalesce(c.in_school, false) as is_active, try_cast(substr(c.entry_month, 1, 4) || '-' || substr(c.entry_month, 5, 2) || '-01' as date) as valid_from,
    last_day(try_cast(substr(c.expected_graduation, 1, 4) || '-' || substr(c.expected_graduation, 5, 2) || '-01' as date)) as valid_to
from hub.person_number n
join hub.student t on t.student_no = n.number
left join hub.student_status c on c.student_no = n.number
union all
select
    n.person_id as person_id, n.number as number, 'X' as role, x.unit_code as unit_code, cast(null as varchar) as state_code,
    x.is_granted as is_active, x.valid_from as valid_from, x.valid_to as valid_to
from hub.person_number n
join hub.external_person x on x.person_no = n.number
