-- Whether a student may leave as far as the library is concerned (YWLC05/3); the sums stay at the library.
select
    c.student_no,
    s.name,
    c.cleared,
    c.certificate_returned,
    c.checked_at
from library_clearance c
left join student s on s.student_no = c.student_no
where c.source_system = 'library'
