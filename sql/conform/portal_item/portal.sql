select
    cast(s.content_id as varchar) as item_id,
    cast(nullif(trim(s.title, ' 　'), '') as varchar) as title,
    cast('https://portal.example.edu.cn' || trim(s.path) as varchar) as url,
    cast(s.published_at as timestamp) as published_at,
    cast(nullif(trim(s.unit_code), '') as varchar) as unit_code,
    cast(coalesce(state.code, trim(s.state)) as varchar) as state_code,
    cast(case upper(trim(s.recommended)) when 'Y' then true when 'N' then false end as boolean) as is_recommended,
    cast(s.reviewed_on as date) as reviewed_on,
    s.source_row as source_row
from portal.content s
left join codes.map state on state.system = 'portal' and state.list = 'HUB/ITEM_STATE' and state.source_code = trim(s.state)
