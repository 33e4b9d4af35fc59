-- Leaving results (SJGXLC15/4); the student's own system lets the edge be narrowed to its students.
select
    c.student_no,
    c.batch_no,
    c.clear_student_card,
    c.clear_textbook,
    c.certificates_issued,
    c.certificates_issued_on,
    c.is_complete,
    s.source_system as student_system
from leaving_clearance c
left join student s on s.student_no = c.student_no
where c.source_system = 'leaving'
