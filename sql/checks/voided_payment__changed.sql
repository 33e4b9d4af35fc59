-- FE-11: a voided row differs from the hub's last version of it.
select voided_payment.source_system, voided_payment.source_row
from voided_payment
join standing.voided_payment stood on stood.payment_no = voided_payment.payment_no
where voided_payment.student_no is distinct from stood.student_no
    or voided_payment.school_year is distinct from stood.school_year
    or voided_payment.paid_on is distinct from stood.paid_on
    or voided_payment.amount is distinct from stood.amount
    or voided_payment.cancels_no is distinct from stood.cancels_no
    or voided_payment.voided_on is distinct from stood.voided_on
    or voided_payment.collector_no is distinct from stood.collector_no
