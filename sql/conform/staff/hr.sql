select
    cast(nullif(trim(s.staff_no), '') as varchar) as staff_no,
    cast(nullif(case when regexp_matches(s.name, '[A-Za-z]')
        then trim(regexp_replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･', '  ·····'), ' +', ' ', 'g'))
        else replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･.', '  ······'), ' ', '') end, '') as varchar) as name,
    cast(null as varchar) as name_en,
    cast(null as varchar) as name_pinyin,
    cast(null as varchar) as former_name,
    cast(coalesce(sex_code.code, trim(s.sex)) as varchar) as sex_code,
    cast(s.birth_date as date) as birth_date,
    cast(nullif(trim(s.birthplace_code), '') as varchar) as birthplace_code,
    cast(nullif(trim(s.native_place), '') as varchar) as native_place,
    cast(coalesce(ethnicity_code.code, trim(s.ethnicity)) as varchar) as ethnicity_code,
    cast(nullif(trim(s.nationality), '') as varchar) as nationality_code,
    cast(coalesce(id_type_code.code, trim(s.id_type)) as varchar) as id_type_code,
    cast(nullif(upper(trim(s.id_number)), '') as varchar) as id_number,
    cast(null as varchar) as id_valid_period,
    cast(null as varchar) as hmt_overseas_code,
    cast(coalesce(political_code.code, trim(s.political)) as varchar) as political_code,
    cast(null as varchar) as photo_ref,
    cast(nullif(trim(s.unit_code), '') as varchar) as unit_code,
    cast(nullif(trim(s.campus_no), '') as varchar) as campus_no,
    cast(nullif(trim(s.highest_education_code), '') as varchar) as highest_education_code,
    cast(nullif(trim(s.work_start), '') as varchar) as work_start,
    cast(s.joined_on as date) as joined_on,
    cast(s.pay_start as date) as pay_start,
    cast(coalesce(establishment_code.code, trim(s.establishment)) as varchar) as establishment_code,
    cast(coalesce(category_code.code, trim(s.category)) as varchar) as category_code,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state_code,
    cast(nullif(trim(s.teaching_state_code), '') as varchar) as teaching_state_code,
    cast(nullif(trim(s.archive_no), '') as varchar) as archive_no,
    cast(nullif(replace(replace(replace(s.mobile, ' ', ''), '-', ''), '+86', ''), '') as varchar) as mobile,
    cast(nullif(trim(s.email), '') as varchar) as email,
    cast(s.is_agency as boolean) as is_agency,
    s.source_row as source_row
from hr.staff_record s
left join codes.map sex_code
    on sex_code.system = 'hr' and sex_code.list = 'GB/T 2261.1' and sex_code.source_code = trim(s.sex)
left join codes.map ethnicity_code
    on ethnicity_code.system = 'hr' and ethnicity_code.list = 'GB/T 3304' and ethnicity_code.source_code = trim(s.ethnicity)
left join codes.map id_type_code
    on id_type_code.system = 'hr' and id_type_code.list = 'JY/SFZJLX' and id_type_code.source_code = trim(s.id_type)
left join codes.map political_code
    on political_code.system = 'hr' and political_code.list = 'GB/T 4762' and political_code.source_code = trim(s.political)
left join codes.map establishment_code
    on establishment_code.system = 'hr' and establishment_code.list = 'JY/BZLB' and establishment_code.source_code = trim(s.establishment)
left join codes.map category_code
    on category_code.system = 'hr' and category_code.list = 'JY/JZGLB' and category_code.source_code = trim(s.category)
left join codes.map state_code
    on state_code.system = 'hr' and state_code.list = 'JY/JZGDQZT' and state_code.source_code = trim(s.state)
