-- YWLC01/4: 教务处 gives every admitted candidate a student number.
select admission_record.source_system, admission_record.source_row
from admission_record
left join student on student.candidate_no = admission_record.candidate_no
where student.student_no is null
