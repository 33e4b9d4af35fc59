-- Posts, the basis of automatic permissions (YWLC08/1).
select
    p.staff_no,
    p.post_kind,
    p.post_name,
    p.post_category_code,
    p.post_level_code,
    p.tech_post_code,
    p.unit_code,
    u.name as unit_name,
    p.start_on,
    p.end_on,
    p.holding_state,
    s.state_code in ('11', '12', '13', '14', '15') as is_in_post
from staff_post p
left join staff s on s.staff_no = p.staff_no
left join org_unit u on u.unit_code = p.unit_code
where p.source_system = 'hr'
