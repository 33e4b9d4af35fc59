-- The last word of a person about a permission stands.
select
    cast(c.uid as varchar) as uid,
    cast(c.system_code as varchar) as system_code,
    cast(c.role_code as varchar) as role_code,
    cast(c.scope_unit as varchar) as scope_unit,
    cast(c.agrees as boolean) as agrees,
    cast(c.confirmed_at as timestamp) as confirmed_at,
    c.source_row as source_row,
    c.unreadable as unreadable
from it_centre.grant_confirmation c
qualify row_number() over (
    partition by c.uid, c.system_code, c.role_code, c.scope_unit order by c.confirmation_id desc
) = 1
