-- FE-11: 撤单流水号 names a posted row of the same student, and takes all of it back.
select voided_payment.source_system, voided_payment.source_row
from voided_payment
left join payment on payment.payment_no = voided_payment.cancels_no
where voided_payment.cancels_no is not null
    and (payment.payment_no is null or payment.student_no <> voided_payment.student_no
        or payment.amount <> voided_payment.amount)
