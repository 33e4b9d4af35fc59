-- R07, YWLC04/6: where the batch asks for check-in on site, a college administrator does it.
select source_system, source_row
from registration
where checkin_on is not null and checkin_mode = '1'
    and (checkin_operator is null or checkin_operator = student_no)
