select e.source_system, e.source_row
from employment e
join student_status t on t.student_no = e.student_no
where substr(t.expected_graduation, 1, 4) <> e.graduation_year
