-- Where graduates go; name and place of study come from their owners.
select
    e.student_no,
    s.name,
    t.unit_code,
    u.name as unit_name,
    m.name as major_name,
    e.graduation_year,
    e.destination_code,
    e.placement_code,
    e.employer,
    e.employer_region_code,
    e.employer_kind_code,
    e.origin_place_code,
    e.origin_confirmed_on
from employment e
join student s on s.student_no = e.student_no
left join student_status t on t.student_no = e.student_no
left join major m on m.major_code = t.major_code
left join org_unit u on u.unit_code = t.unit_code
where e.source_system = 'employment'
