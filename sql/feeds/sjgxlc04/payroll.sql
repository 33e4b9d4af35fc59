-- Payroll as uploaded by finance on the 8th; each person sees only their own rows.
select
    p.person_no,
    p.month,
    p.item_code,
    p.item_name,
    p.amount
from payroll_item p
where p.source_system = 'finance'
