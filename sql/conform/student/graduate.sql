select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(case when regexp_matches(s.name, '[A-Za-z]')
        then trim(regexp_replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･', '  ·····'), ' +', ' ', 'g'))
        else replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･.', '  ······'), ' ', '') end, '') as varchar) as name,
    cast(null as varchar) as name_en,
    cast(null as varchar) as name_pinyin,
    cast(null as varchar) as former_name,
    cast(nullif(trim(s.sex_code), '') as varchar) as sex_code,
    cast(s.birth_date as date) as birth_date,
    cast(null as varchar) as birthplace_code,
    cast(null as varchar) as native_place,
    cast(coalesce(ethnicity_code.code, trim(s.ethnicity)) as varchar) as ethnicity_code,
    cast(case s.nationality when '中国' then 'CHN' when '韩国' then 'KOR' when '泰国' then 'THA' when '巴基斯坦' then 'PAK' else trim(s.nationality) end as varchar) as nationality_code,
    cast(nullif(trim(s.id_type_code), '') as varchar) as id_type_code,
    cast(nullif(upper(trim(s.id_number)), '') as varchar) as id_number,
    cast(null as varchar) as id_valid_period,
    cast(null as varchar) as hmt_overseas_code,
    cast(coalesce(political_code.code, trim(s.political)) as varchar) as political_code,
    cast(null as varchar) as photo_ref,
    cast(null as varchar) as candidate_no,
    cast(null as varchar) as admission_notice_no,
    cast(nullif(trim(s.entry_mode_code), '') as varchar) as entry_mode_code,
    cast(nullif(trim(s.source_region_code), '') as varchar) as source_region_code,
    cast(nullif(trim(s.student_source_code), '') as varchar) as student_source_code,
    cast(nullif(trim(s.boarding_code), '') as varchar) as boarding_code,
    cast(null as varchar) as origin_place_code,
    cast(nullif(trim(s.previous_school), '') as varchar) as previous_school,
    cast(nullif(replace(replace(replace(s.mobile, ' ', ''), '-', ''), '+86', ''), '') as varchar) as mobile,
    cast(nullif(trim(s.email), '') as varchar) as email,
    cast(nullif(trim(s.bank_account), '') as varchar) as bank_account,
    cast(nullif(trim(s.home_address), '') as varchar) as home_address,
    cast(null as varchar) as contact_name,
    cast(null as varchar) as contact_phone,
    cast(null as varchar) as contact_relation_code,
    s.source_row as source_row
from graduate.student s
left join codes.map ethnicity_code
    on ethnicity_code.system = 'graduate' and ethnicity_code.list = 'GB/T 3304' and ethnicity_code.source_code = trim(s.ethnicity)
left join codes.map political_code
    on political_code.system = 'graduate' and political_code.list = 'GB/T 4762' and political_code.source_code = trim(s.political)
