-- FE-10: already posted or voided, or older than the newest posting, and still there.
select realtime_payment.source_system, realtime_payment.source_row
from realtime_payment
left join payment on payment.payment_no = realtime_payment.payment_no
left join voided_payment on voided_payment.payment_no = realtime_payment.payment_no
where payment.payment_no is not null
    or voided_payment.payment_no is not null
    or realtime_payment.paid_on < (select max(newest.paid_on) from payment newest)
