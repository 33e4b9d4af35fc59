-- F23: with operator and time; the two automatic steps name their interface. A bulk mark stands on a cleared step only (R10).
select source_system, source_row
from leaving_clearance
where (clear_student_card = '1' and (clear_student_card_on is null or clear_student_card_by is null))
    or (clear_textbook = '1' and (clear_textbook_on is null or clear_textbook_by is null))
    or (clear_library = '1' and (clear_library_on is null or clear_library_by is null))
    or (clear_finance = '1' and (clear_finance_on is null or clear_finance_by is null))
    or (clear_household = '1' and (clear_household_on is null or clear_household_by is null))
    or (clear_dormitory = '1' and (clear_dormitory_on is null or clear_dormitory_by is null))
    or (certificates_issued = '1' and (certificates_issued_on is null or certificates_issued_by is null))
    or (textbook_bulk and clear_textbook <> '1')
