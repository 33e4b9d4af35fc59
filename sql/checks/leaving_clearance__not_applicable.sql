-- R09, YWLC05/5: 户口转入学校者办理此项; JY JDFS 1 走读 and 3 借宿 have no room to give back.
select c.source_system, c.source_row
from leaving_clearance c
join student s on s.student_no = c.student_no
where c.clear_student_card = '2' or c.clear_textbook = '2' or c.clear_library = '2' or c.clear_finance = '2'
    or c.certificates_issued = '2' or (c.clear_dormitory = '2' and s.boarding_code = '2')
