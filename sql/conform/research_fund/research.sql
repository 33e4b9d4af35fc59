-- Public money of public projects only. Where the row calls itself public but its project is in the view with another level,
-- the project's word counts.
select
    cast(nullif(trim(s.fund_no), '') as varchar) as fund_no,
    cast(nullif(trim(s.project_no), '') as varchar) as project_no,
    cast(s.received_on as date) as received_on,
    cast(s.received_amount as decimal(12,2)) as received_amount,
    cast(coalesce(source_code.code, trim(s.fund_source)) as varchar) as fund_source_code,
    cast(level_code.code as varchar) as confidentiality_code,
    s.source_row as source_row,
    s.unreadable as unreadable
from research.fund s
left join codes.map level_code
    on level_code.system = 'research' and level_code.list = 'HUB/CONFIDENTIALITY' and level_code.source_code = trim(s.confidentiality)
left join codes.map source_code
    on source_code.system = 'research' and source_code.list = 'JY/XMJFLY' and source_code.source_code = trim(s.fund_source)
where level_code.code = '1' and not exists (
    select 1
    from research.project p
    left join codes.map project_level
        on project_level.system = 'research' and project_level.list = 'HUB/CONFIDENTIALITY'
        and project_level.source_code = trim(p.confidentiality)
    where trim(p.project_no) = trim(s.project_no) and (project_level.code is null or project_level.code <> '1')
)
