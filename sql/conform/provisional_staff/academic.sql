select
    cast(nullif(trim(s.staff_no), '') as varchar) as staff_no,
    cast(nullif(case when regexp_matches(s.name, '[A-Za-z]')
        then trim(regexp_replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･', '  ·····'), ' +', ' ', 'g'))
        else replace(translate(nfc_normalize(s.name), '　' || chr(160) || '•・．‧･.', '  ······'), ' ', '') end, '') as varchar) as name,
    cast(case when starts_with(s.unit_code, 'D') then substr(trim(s.unit_code), 2) else nullif(trim(s.unit_code), '') end as varchar) as unit_code,
    s.source_row as source_row
from academic.teacher s
