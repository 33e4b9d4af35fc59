select
    cast(trim(s.student_no) as varchar) as student_no,
    cast(s.name as varchar) as name,
    cast(s.birth_date as date) as birth_date,
    s.source_row as source_row
from academic.student s
