-- Titles and links of office documents for display on the phone; an edge keeps to those that are open.
select
    o.item_id,
    o.title,
    o.url,
    o.published_at,
    o.unit_code,
    u.name as unit_name,
    o.is_open
from office_item o
left join org_unit u on u.unit_code = o.unit_code
where o.source_system = 'office'
