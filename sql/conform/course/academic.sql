select
    cast(nullif(trim(s.course_no), '') as varchar) as course_no,
    cast(nullif(trim(s.name), '') as varchar) as course_name,
    cast(s.credits as decimal(4,1)) as credits,
    cast(s.hours as bigint) as hours,
    cast(coalesce(property_code.code, nullif(trim(s.property), '')) as varchar) as property_code,
    cast(case when starts_with(s.unit_code, 'D') then substr(trim(s.unit_code), 2) else nullif(trim(s.unit_code), '') end as varchar) as unit_code,
    s.source_row as source_row,
    s.unreadable as unreadable
from academic.course s
left join codes.map property_code
    on property_code.system = 'academic' and property_code.list = 'JY/KCSX' and property_code.source_code = trim(s.property)
