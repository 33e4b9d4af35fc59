select
    cast(nullif(trim(s.payment_no), '') as varchar) as payment_no,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(s.paid_on as date) as paid_on,
    cast(coalesce(method_code.code, trim(s.method)) as varchar) as method_code,
    cast(coalesce(kind_code.code, trim(s.kind)) as varchar) as kind_code,
    cast(s.amount as decimal(12,2)) as amount,
    cast(s.tuition as decimal(12,2)) as tuition,
    cast(s.accommodation as decimal(12,2)) as accommodation,
    cast(s.books as decimal(12,2)) as books,
    cast(s.medical_exam as decimal(12,2)) as medical_exam,
    cast(s.epidemic_prevention as decimal(12,2)) as epidemic_prevention,
    cast(s.bedding as decimal(12,2)) as bedding,
    cast(s.training_clothes as decimal(12,2)) as training_clothes,
    cast(s.medical_insurance as decimal(12,2)) as medical_insurance,
    cast(nullif(trim(s.collector_no), '') as varchar) as collector_no,
    cast(case s.voided when 'Y' then true when 'N' then false end as boolean) as voided,
    s.source_row as source_row
from finance.payment_ledger s
left join codes.map method_code
    on method_code.system = 'finance' and method_code.list = 'HUB/PAYMENT_METHOD' and method_code.source_code = trim(s.method)
left join codes.map kind_code
    on kind_code.system = 'finance' and kind_code.list = 'HUB/PAYMENT_KIND' and kind_code.source_code = trim(s.kind)
