-- Status, department and class of junior college students and undergraduates.
select
    t.student_no,
    t.entry_month,
    t.category_code,
    t.years,
    t.major_code,
    m.name as major_name,
    t.national_major_code,
    t.unit_code,
    u.name as unit_name,
    t.class_no,
    c.name as class_name,
    t.grade,
    t.state_code,
    t.level_code,
    t.training_mode_code,
    t.supervisor_no,
    t.research_direction,
    t.expected_graduation,
    t.in_school,
    t.is_new_student
from student_status t
left join major m on m.major_code = t.major_code
left join org_unit u on u.unit_code = t.unit_code
left join admin_class c on c.class_no = t.class_no
where t.source_system = 'academic'
