select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(trim(s.change_code), '') as varchar) as change_code,
    cast(s.change_date as date) as change_date,
    cast(nullif(trim(s.reason_code), '') as varchar) as reason_code,
    cast(null as date) as approved_on,
    cast(null as varchar) as approval_no,
    cast(case when starts_with(s.from_unit, 'YX') then substr(trim(s.from_unit), 3) else nullif(trim(s.from_unit), '') end as varchar) as from_unit,
    cast(case when starts_with(s.to_unit, 'YX') then substr(trim(s.to_unit), 3) else nullif(trim(s.to_unit), '') end as varchar) as to_unit,
    cast(nullif(trim(s.from_major), '') as varchar) as from_major,
    cast(nullif(trim(s.to_major), '') as varchar) as to_major,
    cast(null as varchar) as from_class,
    cast(null as varchar) as to_class,
    cast(null as varchar) as remark,
    s.source_row as source_row
from graduate.status_change s
