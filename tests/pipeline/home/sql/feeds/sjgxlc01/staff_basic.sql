select
    s.staff_no,
    s.name,
    s.sex_code,
    s.joined_on,
    s.unit_code,
    u.name as unit_name,
    s.source_system
from staff s
left join org_unit u on u.unit_code = s.unit_code
