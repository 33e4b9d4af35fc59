select
    cast(nullif(trim(s.candidate_no), '') as varchar) as candidate_no,
    cast(nullif(case when regexp_matches(s.name, '[A-Za-z]')
        then trim(regexp_replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･', '  ·····'), ' +', ' ', 'g'))
        else replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･.', '  ······'), ' ', '') end, '') as varchar) as name,
    cast(coalesce(sex.code, trim(s.sex)) as varchar) as sex_code,
    cast(s.birth_date as date) as birth_date,
    cast(coalesce(id_type.code, trim(s.id_type)) as varchar) as id_type_code,
    cast(nullif(upper(trim(s.id_number)), '') as varchar) as id_number,
    cast(nullif(translate(trim(s.admitted_major), '（）　', '()'), '') as varchar) as admitted_major,
    cast(coalesce(level.code, trim(s.level)) as varchar) as admitted_level_code,
    cast(nullif(trim(s.origin_place), '') as varchar) as origin_place_code,
    s.source_row as source_row
from admissions_office.admission s
left join codes.map sex
    on sex.system = 'admissions_office' and sex.list = 'GB/T 2261.1' and sex.source_code = trim(s.sex)
left join codes.map id_type
    on id_type.system = 'admissions_office' and id_type.list = 'JY/SFZJLX' and id_type.source_code = trim(s.id_type)
left join codes.map level
    on level.system = 'admissions_office' and level.list = 'JY/PYCC' and level.source_code = trim(s.level)
