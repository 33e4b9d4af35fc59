-- FE-11: a posted row differs from the hub's last version of it; a correction is a new row in the voided ledger.
select payment.source_system, payment.source_row
from payment
join standing.payment stood on stood.payment_no = payment.payment_no
where payment.student_no is distinct from stood.student_no
    or payment.school_year is distinct from stood.school_year
    or payment.paid_on is distinct from stood.paid_on
    or payment.method_code is distinct from stood.method_code
    or payment.kind_code is distinct from stood.kind_code
    or payment.amount is distinct from stood.amount
    or payment.tuition is distinct from stood.tuition
    or payment.accommodation is distinct from stood.accommodation
    or payment.books is distinct from stood.books
    or payment.medical_exam is distinct from stood.medical_exam
    or payment.epidemic_prevention is distinct from stood.epidemic_prevention
    or payment.bedding is distinct from stood.bedding
    or payment.training_clothes is distinct from stood.training_clothes
    or payment.medical_insurance is distinct from stood.medical_insurance
    or payment.collector_no is distinct from stood.collector_no
    or payment.voided is distinct from stood.voided
