select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(coalesce(student_card_code.code, trim(s.student_card)) as varchar) as clear_student_card,
    cast(s.student_card_on as date) as clear_student_card_on,
    cast(nullif(trim(s.student_card_by), '') as varchar) as clear_student_card_by,
    cast(coalesce(textbook_code.code, trim(s.textbook)) as varchar) as clear_textbook,
    cast(s.textbook_on as date) as clear_textbook_on,
    cast(nullif(trim(s.textbook_by), '') as varchar) as clear_textbook_by,
    cast(case trim(s.textbook_bulk) when 'Y' then true when 'N' then false end as boolean) as textbook_bulk,
    cast(coalesce(library_code.code, trim(s.library)) as varchar) as clear_library,
    cast(s.library_on as date) as clear_library_on,
    cast(nullif(trim(s.library_by), '') as varchar) as clear_library_by,
    cast(coalesce(finance_code.code, trim(s.finance)) as varchar) as clear_finance,
    cast(s.finance_on as date) as clear_finance_on,
    cast(nullif(trim(s.finance_by), '') as varchar) as clear_finance_by,
    cast(coalesce(household_code.code, trim(s.household)) as varchar) as clear_household,
    cast(s.household_on as date) as clear_household_on,
    cast(nullif(trim(s.household_by), '') as varchar) as clear_household_by,
    cast(case trim(s.household_moved_in) when 'Y' then true when 'N' then false end as boolean) as household_moved_in,
    cast(coalesce(dormitory_code.code, trim(s.dormitory)) as varchar) as clear_dormitory,
    cast(s.dormitory_on as date) as clear_dormitory_on,
    cast(nullif(trim(s.dormitory_by), '') as varchar) as clear_dormitory_by,
    cast(coalesce(certificates_code.code, trim(s.certificates)) as varchar) as certificates_issued,
    cast(s.certificates_on as date) as certificates_issued_on,
    cast(nullif(trim(s.certificates_by), '') as varchar) as certificates_issued_by,
    cast(coalesce(student_card_code.code in ('1', '2'), false)
        and coalesce(textbook_code.code in ('1', '2'), false)
        and coalesce(library_code.code in ('1', '2'), false)
        and coalesce(finance_code.code in ('1', '2'), false)
        and coalesce(household_code.code in ('1', '2'), false)
        and coalesce(dormitory_code.code in ('1', '2'), false)
        and coalesce(certificates_code.code in ('1', '2'), false) as boolean) as is_complete,
    s.source_row as source_row,
    s.unreadable as unreadable
from leaving.clearance s
left join codes.map student_card_code
    on student_card_code.system = 'leaving' and student_card_code.list = 'HUB/LEAVING_STEP' and student_card_code.source_code = trim(s.student_card)
left join codes.map textbook_code
    on textbook_code.system = 'leaving' and textbook_code.list = 'HUB/LEAVING_STEP' and textbook_code.source_code = trim(s.textbook)
left join codes.map library_code
    on library_code.system = 'leaving' and library_code.list = 'HUB/LEAVING_STEP' and library_code.source_code = trim(s.library)
left join codes.map finance_code
    on finance_code.system = 'leaving' and finance_code.list = 'HUB/LEAVING_STEP' and finance_code.source_code = trim(s.finance)
left join codes.map household_code
    on household_code.system = 'leaving' and household_code.list = 'HUB/LEAVING_STEP' and household_code.source_code = trim(s.household)
left join codes.map dormitory_code
    on dormitory_code.system = 'leaving' and dormitory_code.list = 'HUB/LEAVING_STEP' and dormitory_code.source_code = trim(s.dormitory)
left join codes.map certificates_code
    on certificates_code.system = 'leaving' and certificates_code.list = 'HUB/LEAVING_STEP' and certificates_code.source_code = trim(s.certificates)
