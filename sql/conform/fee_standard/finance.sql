select
    cast(nullif(trim(s.standard_code), '') as varchar) as standard_code,
    cast(nullif(trim(s.standard_name), '') as varchar) as standard_name,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(s.amount as decimal(12,2)) as amount,
    cast(s.accommodation as decimal(12,2)) as accommodation,
    cast(s.books as decimal(12,2)) as books,
    cast(s.medical_exam as decimal(12,2)) as medical_exam,
    cast(s.epidemic_prevention as decimal(12,2)) as epidemic_prevention,
    cast(s.bedding as decimal(12,2)) as bedding,
    cast(s.training_clothes as decimal(12,2)) as training_clothes,
    cast(s.medical_insurance as decimal(12,2)) as medical_insurance,
    s.source_row as source_row
from finance.fee_standard s
