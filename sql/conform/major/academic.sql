select
    cast(nullif(trim(s.major_code), '') as varchar) as major_code,
    cast(nullif(trim(s.national_code), '') as varchar) as national_code,
    cast(nullif(trim(s.name), '') as varchar) as name,
    cast(case when starts_with(s.unit_code, 'D') then substr(trim(s.unit_code), 2) else nullif(trim(s.unit_code), '') end as varchar) as unit_code,
    cast(coalesce(level_code.code, trim(s.level)) as varchar) as level_code,
    cast(s.years as decimal(3,1)) as years,
    cast(nullif(trim(s.discipline_code), '') as varchar) as discipline_code,
    cast(case s.is_valid when 'Y' then true when 'N' then false end as boolean) as is_valid,
    s.source_row as source_row
from academic.major s
left join codes.map level_code
    on level_code.system = 'academic' and level_code.list = 'JY/PYCC' and level_code.source_code = trim(s.level)
