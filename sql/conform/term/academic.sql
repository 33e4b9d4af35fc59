select
    cast(nullif(trim(s.school_year), '') as varchar) as school_year,
    cast(coalesce(term_map.code, trim(s.term)) as varchar) as term_code,
    cast(nullif(trim(s.name), '') as varchar) as name,
    cast(s.starts_on as date) as starts_on,
    cast(s.ends_on as date) as ends_on,
    cast(case trim(s.current) when 'Y' then true when 'N' then false end as boolean) as is_current,
    s.source_row as source_row,
    s.unreadable as unreadable
from academic.term s
left join codes.map term_map
    on term_map.system = 'academic' and term_map.list = 'JY/XQ' and term_map.source_code = trim(s.term)
