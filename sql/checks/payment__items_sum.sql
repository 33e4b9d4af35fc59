-- FE-6: 实缴金额 = 学费 + the seven items.
select source_system, source_row
from payment
where amount <> coalesce(tuition, 0) + coalesce(accommodation, 0) + coalesce(books, 0) + coalesce(medical_exam, 0)
    + coalesce(epidemic_prevention, 0) + coalesce(bedding, 0) + coalesce(training_clothes, 0) + coalesce(medical_insurance, 0)
