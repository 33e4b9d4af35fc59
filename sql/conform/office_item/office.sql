select
    cast(nullif(trim(s.document_no), '') as varchar) as item_id,
    cast(nullif(trim(s.title, ' 　'), '') as varchar) as title,
    cast(case when starts_with(trim(s.path), '/') then 'https://oa.example.edu.cn' || trim(s.path) else trim(s.path) end as varchar) as url,
    cast(s.published_at as timestamp) as published_at,
    cast(case when length(trim(s.unit)) = 6 then trim(s.unit) || '00' else trim(s.unit) end as varchar) as unit_code,
    cast(case trim(s.is_open) when '是' then true when '否' then false end as boolean) as is_open,
    s.source_row as source_row
from office.document s
