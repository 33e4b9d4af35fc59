-- Granted by the system itself, without anybody's hand (YWLC08).
select
    g.uid,
    g.system_code,
    g.role_code,
    g.scope_unit,
    p.name,
    u.name as unit_name,
    g.valid_from,
    g.valid_to
from role_grant g
join staff p on p.staff_no = g.uid
left join org_unit u on u.unit_code = g.scope_unit
where g.grant_mode = 'A' and g.basis_system = 'hr'
