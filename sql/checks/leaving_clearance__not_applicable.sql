-- R09, YWLC05/5: 户口转入学校者办理此项, so it may be left out by exactly those of whom the security office says that their household
-- was not moved in; of whom it says nothing, nothing may be left out. JY JDFS 1 走读 and 3 借宿 have no room to give back.
select c.source_system, c.source_row
from leaving_clearance c
join student s on s.student_no = c.student_no
where c.clear_student_card = '2' or c.clear_textbook = '2' or c.clear_library = '2' or c.clear_finance = '2'
    or c.certificates_issued = '2' or (c.clear_dormitory = '2' and s.boarding_code = '2')
    or (c.clear_household = '2' and coalesce(c.household_moved_in, true))
    or (c.clear_household in ('0', '1', '3') and not c.household_moved_in)
