select
    cast(nullif(trim(s.section_no), '') as varchar) as section_no,
    cast(nullif(trim(s.name), '') as varchar) as section_name,
    cast(nullif(trim(s.course_no), '') as varchar) as course_no,
    cast(nullif(trim(s.school_year), '') as varchar) as school_year,
    cast(coalesce(term_map.code, trim(s.term)) as varchar) as term_code,
    cast(nullif(trim(s.teacher_no), '') as varchar) as teacher_no,
    s.source_row as source_row
from academic.course_section s
left join codes.map term_map
    on term_map.system = 'academic' and term_map.list = 'JY/XQ' and term_map.source_code = trim(s.term)
