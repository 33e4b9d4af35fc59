-- FE-10: 流水号 are not used again; a row of the real-time ledger is either posted or voided.
select voided_payment.source_system, voided_payment.source_row
from voided_payment
join payment on payment.payment_no = voided_payment.payment_no
