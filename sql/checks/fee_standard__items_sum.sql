-- FE-7: 标准金额 = the seven items.
select source_system, source_row
from fee_standard
where amount <> coalesce(accommodation, 0) + coalesce(books, 0) + coalesce(medical_exam, 0) + coalesce(epidemic_prevention, 0)
    + coalesce(bedding, 0) + coalesce(training_clothes, 0) + coalesce(medical_insurance, 0)
