-- Portal content for display on the phone; drafts and withdrawn items are not shown.
select
    p.item_id,
    p.title,
    p.url,
    p.published_at,
    p.unit_code,
    u.name as unit_name,
    p.state_code = '1' as is_published
from portal_item p
left join org_unit u on u.unit_code = p.unit_code
where p.source_system = 'portal'
