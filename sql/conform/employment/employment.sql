select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(replace(trim(s.graduation_year), '届', ''), '') as varchar) as graduation_year,
    cast(coalesce(destination_code.code, trim(s.destination)) as varchar) as destination_code,
    cast(coalesce(placement_code.code, nullif(trim(s.placement), '')) as varchar) as placement_code,
    cast(nullif(trim(s.employer), '') as varchar) as employer,
    cast(nullif(trim(s.employer_region), '') as varchar) as employer_region_code,
    cast(coalesce(kind_code.code, nullif(trim(s.employer_kind), '')) as varchar) as employer_kind_code,
    cast(nullif(trim(s.origin_place), '') as varchar) as origin_place_code,
    cast(s.origin_confirmed_on as date) as origin_confirmed_on,
    cast(s.registered_on as date) as registered_on,
    cast(coalesce(state_code.code, nullif(trim(s.review_state), '')) as varchar) as review_state_code,
    cast(s.reviewed_on as date) as reviewed_on,
    s.source_row as source_row
from employment.graduate_result s
left join codes.map destination_code
    on destination_code.system = 'employment' and destination_code.list = 'JY/GXBYQX'
    and destination_code.source_code = trim(s.destination)
left join codes.map placement_code
    on placement_code.system = 'employment' and placement_code.list = 'JY/JYLSFS'
    and placement_code.source_code = trim(s.placement)
left join codes.map kind_code
    on kind_code.system = 'employment' and kind_code.list = 'HUB/EMPLOYER_KIND'
    and kind_code.source_code = trim(s.employer_kind)
left join codes.map state_code
    on state_code.system = 'employment' and state_code.list = 'HUB/REVIEW_STATE'
    and state_code.source_code = trim(s.review_state)
