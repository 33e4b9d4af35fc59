-- R09, YWLC05/3: no book out, nothing owed, the card given back; who is not on the library's list has nothing there.
select c.source_system, c.source_row
from leaving_clearance c
join library_clearance k on k.student_no = c.student_no
where c.clear_library in ('1', '2') and not (k.cleared and k.certificate_returned)
