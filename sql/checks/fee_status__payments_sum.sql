-- FE-8 for the latest school year of the ledger, without the rows that were cancelled afterwards; earlier years are closed and
-- read-only (FE-9). Without a ledger there is nothing to compare with.
with current_year as (
    select max(school_year) as school_year from payment
),
ledger as (
    select payment.student_no, payment.school_year, sum(payment.amount) as amount
    from payment
    join current_year on current_year.school_year = payment.school_year
    left join voided_payment on voided_payment.cancels_no = payment.payment_no
    where not payment.voided and voided_payment.cancels_no is null
    group by payment.student_no, payment.school_year
)
select fee_status.source_system, fee_status.source_row
from fee_status
join current_year on current_year.school_year = fee_status.school_year
left join ledger on ledger.student_no = fee_status.student_no and ledger.school_year = fee_status.school_year
where fee_status.received <> coalesce(ledger.amount, 0)
