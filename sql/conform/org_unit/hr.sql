select
    cast(nullif(trim(s.unit_code), '') as varchar) as unit_code,
    cast(nullif(trim(s.name), '') as varchar) as name,
    cast(nullif(trim(s.name_en), '') as varchar) as name_en,
    cast(nullif(trim(s.short_name), '') as varchar) as short_name,
    cast(null as varchar) as short_pinyin,
    cast(nullif(trim(s.address), '') as varchar) as address,
    cast(nullif(trim(s.parent_code), '') as varchar) as parent_code,
    cast(coalesce(category_code.code, trim(s.category)) as varchar) as category_code,
    cast(null as varchar) as ownership_code,
    cast(case s.is_valid when 'Y' then true when 'N' then false end as boolean) as is_valid,
    cast(s.invalid_on as date) as invalid_on,
    cast(case s.is_entity when 'Y' then true when 'N' then false end as boolean) as is_entity,
    cast(nullif(trim(s.founded), '') as varchar) as founded,
    cast(nullif(trim(s.head_person_no), '') as varchar) as head_person_no,
    cast(coalesce(office.code, above.code) as varchar) as office_code,
    s.source_row as source_row
from hr.units s
left join codes.map category_code
    on category_code.system = 'hr' and category_code.list = 'JY/DWLB' and category_code.source_code = trim(s.category)
left join codes.map office
    on office.system = 'hr' and office.list = 'HUB/OFFICE' and office.source_code = trim(s.unit_code)
left join codes.map above
    on above.system = 'hr' and above.list = 'HUB/OFFICE' and above.source_code = trim(s.parent_code)
