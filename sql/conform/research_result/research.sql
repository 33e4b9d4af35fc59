-- Public results only; one of a project that is in the view with another level stays out with its project.
select
    cast(nullif(trim(s.result_no), '') as varchar) as result_no,
    cast(coalesce(kind_code.code, trim(s.result_kind)) as varchar) as result_kind,
    cast(nullif(trim(s.project_no), '') as varchar) as project_no,
    cast(nullif(trim(replace(s.name, '　', ' ')), '') as varchar) as name,
    cast(nullif(trim(s.author_no), '') as varchar) as author_no,
    cast(s.published_on as date) as published_on,
    cast(nullif(trim(s.published_in), '') as varchar) as published_in,
    cast(level_code.code as varchar) as confidentiality_code,
    s.source_row as source_row,
    s.unreadable as unreadable
from research.result s
left join codes.map level_code
    on level_code.system = 'research' and level_code.list = 'HUB/CONFIDENTIALITY' and level_code.source_code = trim(s.confidentiality)
left join codes.map kind_code
    on kind_code.system = 'research' and kind_code.list = 'HUB/RESULT_KIND' and kind_code.source_code = trim(s.result_kind)
where level_code.code = '1' and not exists (
    select 1
    from research.project p
    left join codes.map project_level
        on project_level.system = 'research' and project_level.list = 'HUB/CONFIDENTIALITY'
        and project_level.source_code = trim(p.confidentiality)
    where trim(p.project_no) = trim(s.project_no) and (project_level.code is null or project_level.code <> '1')
)
