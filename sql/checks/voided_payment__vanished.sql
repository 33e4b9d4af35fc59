-- FE-11: a row that the hub has and the voided ledger has no more. The hub keeps it.
-- A ledger without any row is for the brake.
select stood.source_system, stood.source_key
from standing.voided_payment stood
left join voided_payment on voided_payment.payment_no = stood.payment_no
where voided_payment.payment_no is null and exists (select 1 from voided_payment)
