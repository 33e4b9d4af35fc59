select
    cast(trim(u.unit_code) as varchar) as unit_code,
    cast(trim(u.name) as varchar) as name,
    u.source_row as source_row
from hr.unit u
