select
    cast(trim(p.staff_no) as varchar) as staff_no,
    cast(nullif(trim(p.name), '') as varchar) as name,
    cast(coalesce(m.code, p.sex) as varchar) as sex_code,
    cast(p.joined_on as date) as joined_on,
    cast(p.salary as decimal(12, 2)) as salary,
    cast(trim(p.unit_code) as varchar) as unit_code,
    p.source_row as source_row
from hr.person p
left join codes.map m on m.system = 'hr' and m.list = 'GB/T 2261.1' and m.source_code = trim(p.sex)
