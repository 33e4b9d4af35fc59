-- FE-8 for each student and item: what was received = the posted ledger of the year, without the rows that were cancelled
-- afterwards. 缴费类别 of the ledger tells payments of this period from those of an earlier debt.
with posted as (
    select
        payment.student_no, payment.school_year, payment.kind_code,
        payment.tuition, payment.accommodation, payment.books, payment.medical_exam,
        payment.epidemic_prevention, payment.bedding, payment.training_clothes, payment.medical_insurance
    from payment
    left join voided_payment on voided_payment.cancels_no = payment.payment_no
    where not payment.voided and voided_payment.cancels_no is null
),
items as (
    select student_no, school_year, kind_code, '01' as item_code, tuition as amount from posted where tuition <> 0
    union all
    select student_no, school_year, kind_code, '02' as item_code, accommodation as amount from posted where accommodation <> 0
    union all
    select student_no, school_year, kind_code, '03' as item_code, books as amount from posted where books <> 0
    union all
    select student_no, school_year, kind_code, '04' as item_code, medical_exam as amount from posted where medical_exam <> 0
    union all
    select student_no, school_year, kind_code, '05' as item_code, epidemic_prevention as amount from posted where epidemic_prevention <> 0
    union all
    select student_no, school_year, kind_code, '06' as item_code, bedding as amount from posted where bedding <> 0
    union all
    select student_no, school_year, kind_code, '07' as item_code, training_clothes as amount from posted where training_clothes <> 0
    union all
    select student_no, school_year, kind_code, '08' as item_code, medical_insurance as amount from posted where medical_insurance <> 0
),
ledger as (
    select student_no, school_year, kind_code, item_code, sum(amount) as amount
    from items
    group by student_no, school_year, kind_code, item_code
)
select bill_line.source_system, bill_line.source_row
from bill_line
left join ledger on ledger.student_no = bill_line.student_no and ledger.school_year = bill_line.school_year
    and ledger.item_code = bill_line.item_code and ledger.kind_code = bill_line.kind_code
where bill_line.received <> coalesce(ledger.amount, 0) and exists (select 1 from payment)
