-- FE-10: once seen in the real-time ledger, there no more, and neither posted nor voided. The hub keeps it.
select stood.source_system, stood.source_key
from standing.realtime_payment stood
left join realtime_payment on realtime_payment.payment_no = stood.payment_no
left join payment on payment.payment_no = stood.payment_no
left join voided_payment on voided_payment.payment_no = stood.payment_no
where realtime_payment.payment_no is null and payment.payment_no is null and voided_payment.payment_no is null
