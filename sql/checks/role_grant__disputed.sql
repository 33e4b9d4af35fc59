-- R15: the person's last word about this permission is that it is wrong.
select r.source_system, r.source_row
from role_grant r
join grant_confirmation c
    on c.uid = r.uid and c.system_code = r.system_code and c.role_code = r.role_code and c.scope_unit = r.scope_unit
where not c.agrees
