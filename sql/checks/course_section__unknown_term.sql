select c.source_system, c.source_row
from course_section c
left join term t on t.school_year = c.school_year and t.term_code = c.term_code
where t.term_code is null and c.school_year is not null and c.term_code is not null
