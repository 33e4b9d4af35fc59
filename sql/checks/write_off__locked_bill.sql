-- FE-12: no other write-off touches a bill that is with the bank.
select write_off.source_system, write_off.source_row
from write_off
join bill on bill.student_no = write_off.student_no and bill.school_year = write_off.school_year
where bill.is_locked and write_off.written_at > bill.locked_at
