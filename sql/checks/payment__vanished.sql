-- FE-11: a row that the hub has and the posted ledger has no more. The hub keeps it.
-- A ledger without any row is for the brake.
select stood.source_system, stood.source_key
from standing.payment stood
left join payment on payment.payment_no = stood.payment_no
where payment.payment_no is null and exists (select 1 from payment)
