select
    cast(nullif(trim(s.staff_no), '') as varchar) as staff_no,
    cast(coalesce(post_kind_code.code, trim(s.post_kind)) as varchar) as post_kind,
    cast(nullif(trim(s.post_name), '') as varchar) as post_name,
    cast(null as varchar) as post_category_code,
    cast(nullif(trim(s.post_level_code), '') as varchar) as post_level_code,
    cast(nullif(trim(s.tech_post_code), '') as varchar) as tech_post_code,
    cast(nullif(trim(s.unit_code), '') as varchar) as unit_code,
    cast(s.start_on as date) as start_on,
    cast(s.end_on as date) as end_on,
    cast(coalesce(holding_state_code.code, trim(s.holding_state)) as varchar) as holding_state,
    cast(duty_code.code as varchar) as duty_code,
    s.source_row as source_row
from hr.post_record s
left join codes.map post_kind_code
    on post_kind_code.system = 'hr' and post_kind_code.list = 'HUB/POST_KIND' and post_kind_code.source_code = trim(s.post_kind)
left join codes.map holding_state_code
    on holding_state_code.system = 'hr' and holding_state_code.list = 'GB/T 14946.1 A.8' and holding_state_code.source_code = trim(s.holding_state)
left join codes.map duty_code
    on duty_code.system = 'hr' and duty_code.list = 'HUB/POST_DUTY' and duty_code.source_code = trim(s.post_name)
