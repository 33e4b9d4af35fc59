-- Public projects with their leader; none of another level is in the hub.
select
    p.project_no,
    p.name,
    p.unit_code,
    u.name as unit_name,
    p.leader_no,
    l.name as leader_name,
    p.source_code,
    p.state_code,
    p.start_on,
    p.end_on,
    p.planned_total
from research_project p
left join org_unit u on u.unit_code = p.unit_code
left join staff l on l.staff_no = p.leader_no
where p.source_system = 'research'
