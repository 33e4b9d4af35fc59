-- R09: the certificates come last (YWLC05/7).
select source_system, source_row
from leaving_clearance
where certificates_issued = '1'
    and (clear_student_card in ('0', '3') or clear_textbook in ('0', '3') or clear_library in ('0', '3')
        or clear_finance in ('0', '3') or clear_household in ('0', '3') or clear_dormitory in ('0', '3'))
