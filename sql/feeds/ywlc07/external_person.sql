-- People numbered by their department and granted by the IT centre (YWLC07/3 to /5), with the days between which they may come in.
-- Who is not yet or no longer within them has no account.
select
    x.person_no,
    x.name,
    x.kind,
    a.unit_code,
    u.name as unit_name,
    a.valid_from,
    a.valid_to,
    x.is_granted
from external_person x
join account a on a.uid = x.person_no
left join org_unit u on u.unit_code = a.unit_code
