select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(coalesce(change_code.code, trim(s.change)) as varchar) as change_code,
    cast(s.change_date as date) as change_date,
    cast(nullif(trim(s.reason_code), '') as varchar) as reason_code,
    cast(s.approved_on as date) as approved_on,
    cast(nullif(trim(s.approval_no), '') as varchar) as approval_no,
    cast(case when starts_with(s.from_unit, 'D') then substr(trim(s.from_unit), 2) else nullif(trim(s.from_unit), '') end as varchar) as from_unit,
    cast(case when starts_with(s.to_unit, 'D') then substr(trim(s.to_unit), 2) else nullif(trim(s.to_unit), '') end as varchar) as to_unit,
    cast(nullif(trim(s.from_major), '') as varchar) as from_major,
    cast(nullif(trim(s.to_major), '') as varchar) as to_major,
    cast(nullif(trim(s.from_class), '') as varchar) as from_class,
    cast(nullif(trim(s.to_class), '') as varchar) as to_class,
    cast(s.remark as varchar) as remark,
    s.source_row as source_row
from academic.status_change s
left join codes.map change_code
    on change_code.system = 'academic' and change_code.list = 'JY/XJYDLB' and change_code.source_code = trim(s.change)
