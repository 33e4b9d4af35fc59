-- Public projects only: a row whose level is anything else, or is not stated, goes no further than this line. Budgets come
-- in units of ten thousand yuan.
select
    cast(nullif(trim(s.project_no), '') as varchar) as project_no,
    cast(nullif(trim(replace(s.name, '　', ' ')), '') as varchar) as name,
    cast(nullif(replace(trim(s.unit_code), 'K', ''), '') as varchar) as unit_code,
    cast(nullif(trim(s.leader_no), '') as varchar) as leader_no,
    cast(coalesce(source_code.code, trim(s.source)) as varchar) as source_code,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state_code,
    cast(s.start_on as date) as start_on,
    cast(s.end_on as date) as end_on,
    cast(level_code.code as varchar) as confidentiality_code,
    cast(round(s.planned_total * 10000, 2) as decimal(12,2)) as planned_total,
    s.source_row as source_row
from research.project s
left join codes.map level_code
    on level_code.system = 'research' and level_code.list = 'HUB/CONFIDENTIALITY' and level_code.source_code = trim(s.confidentiality)
left join codes.map source_code
    on source_code.system = 'research' and source_code.list = 'JY/XMLY' and source_code.source_code = trim(s.source)
left join codes.map state_code
    on state_code.system = 'research' and state_code.list = 'JY/XMZXZT' and state_code.source_code = trim(s.state)
where level_code.code = '1'
