select
    cast(nullif(trim(s.write_off_no), '') as varchar) as write_off_no,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(coalesce(mode_code.code, nullif(trim(s.mode), '')) as varchar) as mode_code,
    cast(s.amount as decimal(12,2)) as amount,
    cast(s.written_at as timestamp) as written_at,
    s.source_row as source_row
from finance.write_off s
left join codes.map mode_code
    on mode_code.system = 'finance' and mode_code.list = 'HUB/WRITE_OFF_MODE' and mode_code.source_code = trim(s.mode)
