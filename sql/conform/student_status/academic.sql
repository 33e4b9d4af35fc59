select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(trim(s.entry_month), '') as varchar) as entry_month,
    cast(coalesce(category_code.code, trim(s.category)) as varchar) as category_code,
    cast(s.years as decimal(3,1)) as years,
    cast(nullif(trim(s.major_code), '') as varchar) as major_code,
    cast(nullif(trim(s.national_major_code), '') as varchar) as national_major_code,
    cast(case when starts_with(s.unit_code, 'D') then substr(trim(s.unit_code), 2) else nullif(trim(s.unit_code), '') end as varchar) as unit_code,
    cast(nullif(trim(s.class_no), '') as varchar) as class_no,
    cast(nullif(trim(s.grade), '') as varchar) as grade,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state_code,
    cast(coalesce(level_code.code, trim(s.level)) as varchar) as level_code,
    cast(nullif(trim(s.training_mode_code), '') as varchar) as training_mode_code,
    cast(null as varchar) as supervisor_no,
    cast(null as varchar) as research_direction,
    cast(nullif(trim(s.expected_graduation), '') as varchar) as expected_graduation,
    cast(coalesce(state_code.code, trim(s.state)) in ('01', '05', '13')
        and coalesce(try_cast(s.expected_graduation as integer) + 100 >= try_cast(latest.entry_month as integer), true) as boolean) as in_school,
    cast(s.entry_month = latest.entry_month as boolean) as is_new_student,
    s.source_row as source_row,
    s.unreadable as unreadable
from academic.status_record s
cross join (
    select max(entry_month) as entry_month
    from academic.status_record
    where regexp_matches(entry_month, '^[0-9]{4}(0[1-9]|1[0-2])$')
) latest
left join codes.map category_code
    on category_code.system = 'academic' and category_code.list = 'JY/XSLB' and category_code.source_code = trim(s.category)
left join codes.map state_code
    on state_code.system = 'academic' and state_code.list = 'JY/XSDQZT' and state_code.source_code = trim(s.state)
left join codes.map level_code
    on level_code.system = 'academic' and level_code.list = 'JY/PYCC' and level_code.source_code = trim(s.level)
