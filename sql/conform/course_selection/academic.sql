select
    cast(nullif(trim(s.section_no), '') as varchar) as section_no,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(coalesce(exam_nature.code, nullif(trim(s.exam_nature), '')) as varchar) as exam_nature_code,
    cast(s.selected_at as timestamp) as selected_at,
    s.source_row as source_row
from academic.course_selection s
left join codes.map exam_nature
    on exam_nature.system = 'academic' and exam_nature.list = 'JY/KSXZ' and exam_nature.source_code = trim(s.exam_nature)
