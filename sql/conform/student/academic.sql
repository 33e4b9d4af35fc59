select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
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
    cast(nullif(trim(s.ethnicity_code), '') as varchar) as ethnicity_code,
    cast(case s.nationality when '156' then 'CHN' when '410' then 'KOR' when '764' then 'THA' when '586' then 'PAK' else trim(s.nationality) end as varchar) as nationality_code,
    cast(coalesce(id_type_code.code, trim(s.id_type)) as varchar) as id_type_code,
    cast(nullif(upper(trim(s.id_number)), '') as varchar) as id_number,
    cast(null as varchar) as id_valid_period,
    cast(null as varchar) as hmt_overseas_code,
    cast(nullif(trim(s.political_code), '') as varchar) as political_code,
    cast(null as varchar) as photo_ref,
    cast(nullif(trim(s.candidate_no), '') as varchar) as candidate_no,
    cast(nullif(trim(s.admission_notice_no), '') as varchar) as admission_notice_no,
    cast(coalesce(entry_mode_code.code, trim(s.entry_mode)) as varchar) as entry_mode_code,
    cast(nullif(trim(s.source_region_code), '') as varchar) as source_region_code,
    cast(nullif(trim(s.student_source_code), '') as varchar) as student_source_code,
    cast(coalesce(boarding_code.code, trim(s.boarding)) as varchar) as boarding_code,
    cast(nullif(trim(s.origin_place_code), '') as varchar) as origin_place_code,
    cast(nullif(trim(s.previous_school), '') as varchar) as previous_school,
    cast(nullif(replace(replace(replace(s.mobile, ' ', ''), '-', ''), '+86', ''), '') as varchar) as mobile,
    cast(nullif(trim(s.email), '') as varchar) as email,
    cast(nullif(trim(s.bank_account), '') as varchar) as bank_account,
    cast(nullif(trim(s.home_address), '') as varchar) as home_address,
    cast(nullif(trim(s.contact_name), '') as varchar) as contact_name,
    cast(nullif(replace(replace(replace(s.contact_phone, ' ', ''), '-', ''), '+86', ''), '') as varchar) as contact_phone,
    cast(nullif(trim(s.contact_relation_code), '') as varchar) as contact_relation_code,
    s.source_row as source_row
from academic.student_record s
left join codes.map sex_code
    on sex_code.system = 'academic' and sex_code.list = 'GB/T 2261.1' and sex_code.source_code = trim(s.sex)
left join codes.map id_type_code
    on id_type_code.system = 'academic' and id_type_code.list = 'JY/SFZJLX' and id_type_code.source_code = trim(s.id_type)
left join codes.map entry_mode_code
    on entry_mode_code.system = 'academic' and entry_mode_code.list = 'JY/RXFS' and entry_mode_code.source_code = trim(s.entry_mode)
left join codes.map boarding_code
    on boarding_code.system = 'academic' and boarding_code.list = 'JY/JDFS' and boarding_code.source_code = trim(s.boarding)
