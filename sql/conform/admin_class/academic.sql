select
    cast(nullif(trim(s.class_no), '') as varchar) as class_no,
    cast(nullif(trim(s.name), '') as varchar) as name,
    cast(nullif(trim(s.created), '') as varchar) as created,
    cast(nullif(trim(s.grade), '') as varchar) as grade,
    cast(nullif(trim(s.tutor_no), '') as varchar) as tutor_no,
    cast(nullif(trim(s.counsellor_no), '') as varchar) as counsellor_no,
    cast(nullif(trim(s.monitor_no), '') as varchar) as monitor_no,
    cast(nullif(trim(s.major_code), '') as varchar) as major_code,
    cast(case when starts_with(s.unit_code, 'D') then substr(trim(s.unit_code), 2) else nullif(trim(s.unit_code), '') end as varchar) as unit_code,
    s.source_row as source_row
from academic.admin_class s
