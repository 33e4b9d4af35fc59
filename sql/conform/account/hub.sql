-- Accounts follow the state: staff while in post or re-employed, the retired as affiliates, students until ninety days after
-- their studies end, others from the first to the last day of their grant (canonical 5.4, 9.2, rule R12). Open ends are written 2099-12-31.
with ended as (
    select c.student_no, max(c.change_date) as ended_on from hub.status_change c group by c.student_no
)
select
    s.staff_no as uid,
    n.person_id as person_id,
    case
        when s.state_code in ('01', '02', '04') then 'affiliate'
        when s.category_code = '11' then 'faculty'
        else 'staff'
    end as affiliation,
    s.unit_code as unit_code,
    s.joined_on as valid_from,
    cast('2099-12-31' as date) as valid_to
from hub.staff s
left join hub.person_number n on n.number = s.staff_no
where s.state_code in ('01', '02', '04', '11', '12', '13', '14', '15')
union all
select
    c.student_no as uid,
    n.person_id as person_id,
    case
        when c.in_school or c.state_code in ('02', '04', '12') then 'student'
        when c.state_code = '07' then 'alum'
        else 'affiliate'
    end as affiliation,
    c.unit_code as unit_code,
    try_cast(substr(c.entry_month, 1, 4) || '-' || substr(c.entry_month, 5, 2) || '-01' as date) as valid_from,
    greatest(try_cast(substr(c.entry_month, 1, 4) || '-' || substr(c.entry_month, 5, 2) || '-01' as date), cast(coalesce(
        case when not c.in_school and c.state_code not in ('02', '04', '07', '12') then e.ended_on end,
        last_day(try_cast(substr(c.expected_graduation, 1, 4) || '-' || substr(c.expected_graduation, 5, 2) || '-01' as date)),
        cast('2099-10-02' as date)
    ) + interval '90' day as date)) as valid_to
from hub.student_status c
left join hub.person_number n on n.number = c.student_no
left join ended e on e.student_no = c.student_no
union all
select
    x.person_no as uid,
    n.person_id as person_id,
    'affiliate' as affiliation,
    x.unit_code as unit_code,
    x.valid_from as valid_from,
    x.valid_to as valid_to
from hub.external_person x
left join hub.person_number n on n.number = x.person_no
cross join hub.tonight d
where x.is_granted and d.as_of between x.valid_from and x.valid_to
