-- The roster of YWLC09/2 as OneRoster 1.2 files: years and terms, the university and its colleges, courses, teaching and
-- administrative classes, who is in school, who teaches or is a tutor, and who is in which class. A session ends before its
-- end date, a school year bears the number of the year in which it ends, and a name that cannot be split is a family name.
select
    'academicSessions' as file,
    t.school_year as sourced_id,
    t.school_year || '学年' as title,
    'schoolYear' as type,
    t.starts_on as start_date,
    cast(coalesce(l.ends_on, n.ends_on, t.ends_on) + interval '1' day as date) as end_date,
    cast(null as varchar) as parent_sourced_id,
    cast(cast(left(t.school_year, 4) as integer) + 1 as varchar) as school_year,
    cast(null as varchar) as name,
    cast(null as varchar) as identifier,
    cast(null as varchar) as course_code,
    cast(null as varchar) as org_sourced_id,
    cast(null as varchar) as course_sourced_id,
    cast(null as varchar) as class_code,
    cast(null as varchar) as class_type,
    cast(null as varchar) as school_sourced_id,
    cast(null as varchar) as term_sourced_ids,
    cast(null as boolean) as enabled_user,
    cast(null as varchar) as username,
    cast(null as varchar) as given_name,
    cast(null as varchar) as family_name,
    cast(null as varchar) as primary_org_sourced_id,
    cast(null as varchar) as user_sourced_id,
    cast(null as varchar) as role_type,
    cast(null as varchar) as role,
    cast(null as varchar) as class_sourced_id,
    cast(null as boolean) as is_primary
from term t
left join term n on n.school_year = t.school_year and n.term_code = '2'
left join term l on l.school_year = t.school_year and l.term_code = '3'
where t.term_code = '1'
union all
select
    'academicSessions' as file,
    t.school_year || '-' || t.term_code as sourced_id,
    coalesce(t.name, t.school_year || '-' || t.term_code) as title,
    'semester' as type,
    t.starts_on as start_date,
    cast(t.ends_on + interval '1' day as date) as end_date,
    y.school_year as parent_sourced_id,
    cast(cast(left(t.school_year, 4) as integer) + 1 as varchar) as school_year,
    null as name, null as identifier, null as course_code, null as org_sourced_id, null as course_sourced_id,
    null as class_code, null as class_type, null as school_sourced_id, null as term_sourced_ids, null as enabled_user,
    null as username, null as given_name, null as family_name, null as primary_org_sourced_id, null as user_sourced_id,
    null as role_type, null as role, null as class_sourced_id, null as is_primary
from term t
left join term y on y.school_year = t.school_year and y.term_code = '1'
union all
select
    'orgs' as file,
    'university' as sourced_id,
    null as title,
    'school' as type,
    null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    u.name as name,
    u.unit_code as identifier,
    null as course_code, null as org_sourced_id, null as course_sourced_id, null as class_code, null as class_type,
    null as school_sourced_id, null as term_sourced_ids, null as enabled_user, null as username, null as given_name,
    null as family_name, null as primary_org_sourced_id, null as user_sourced_id, null as role_type, null as role,
    null as class_sourced_id, null as is_primary
from org_unit u
where u.parent_code is null and u.is_valid
union all
select
    'orgs' as file,
    u.unit_code as sourced_id,
    null as title,
    'department' as type,
    null as start_date, null as end_date,
    'university' as parent_sourced_id,
    null as school_year,
    u.name as name,
    u.unit_code as identifier,
    null as course_code, null as org_sourced_id, null as course_sourced_id, null as class_code, null as class_type,
    null as school_sourced_id, null as term_sourced_ids, null as enabled_user, null as username, null as given_name,
    null as family_name, null as primary_org_sourced_id, null as user_sourced_id, null as role_type, null as role,
    null as class_sourced_id, null as is_primary
from org_unit u
where u.category_code = '1' and u.is_valid
union all
select
    'courses' as file,
    k.course_no as sourced_id,
    k.course_name as title,
    null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year, null as name,
    null as identifier,
    k.course_no as course_code,
    case when u.category_code = '1' and u.is_valid then u.unit_code else 'university' end as org_sourced_id,
    null as course_sourced_id, null as class_code, null as class_type, null as school_sourced_id, null as term_sourced_ids,
    null as enabled_user, null as username, null as given_name, null as family_name, null as primary_org_sourced_id,
    null as user_sourced_id, null as role_type, null as role, null as class_sourced_id, null as is_primary
from course k
left join org_unit u on u.unit_code = k.unit_code
union all
select
    'courses' as file,
    'homeroom' as sourced_id,
    '行政班' as title,
    null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year, null as name,
    null as identifier, null as course_code,
    'university' as org_sourced_id,
    null as course_sourced_id, null as class_code, null as class_type, null as school_sourced_id, null as term_sourced_ids,
    null as enabled_user, null as username, null as given_name, null as family_name, null as primary_org_sourced_id,
    null as user_sourced_id, null as role_type, null as role, null as class_sourced_id, null as is_primary
from org_unit u
where u.parent_code is null and u.is_valid
union all
select
    'classes' as file,
    c.section_no as sourced_id,
    c.section_name as title,
    null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year, null as name,
    null as identifier, null as course_code, null as org_sourced_id,
    c.course_no as course_sourced_id,
    c.section_no as class_code,
    'scheduled' as class_type,
    'university' as school_sourced_id,
    c.school_year || '-' || c.term_code as term_sourced_ids,
    null as enabled_user, null as username, null as given_name, null as family_name, null as primary_org_sourced_id,
    null as user_sourced_id, null as role_type, null as role, null as class_sourced_id, null as is_primary
from course_section c
union all
select
    'classes' as file,
    'class-' || k.class_no as sourced_id,
    k.name as title,
    null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year, null as name,
    null as identifier, null as course_code, null as org_sourced_id,
    'homeroom' as course_sourced_id,
    k.class_no as class_code,
    'homeroom' as class_type,
    'university' as school_sourced_id,
    t.school_year || '-' || t.term_code as term_sourced_ids,
    null as enabled_user, null as username, null as given_name, null as family_name, null as primary_org_sourced_id,
    null as user_sourced_id, null as role_type, null as role, null as class_sourced_id, null as is_primary
from admin_class k
join term t on t.is_current
union all
select
    'users' as file,
    p.number as sourced_id,
    null as title, null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    null as name,
    p.number as identifier,
    null as course_code, null as org_sourced_id, null as course_sourced_id, null as class_code, null as class_type,
    null as school_sourced_id, null as term_sourced_ids,
    true as enabled_user,
    p.number as username,
    case
        when p.name like '%·%' or p.name like '% %' or length(p.name) not between 2 and 4 or lower(p.name) <> upper(p.name) then '-'
        when length(p.name) > 2 and left(p.name, 2) in (
            '欧阳', '上官', '司马', '诸葛', '尉迟', '司徒', '夏侯', '皇甫', '东方', '令狐', '慕容', '端木', '公孙', '独孤', '南宫', '长孙', '宇文', '轩辕', '钟离',
            '澹台', '公冶', '宗政', '濮阳', '淳于', '单于', '太叔', '申屠', '鲜于', '司空', '呼延', '百里', '东郭', '西门', '赫连', '万俟', '拓跋', '完颜', '纳兰'
        ) then substr(p.name, 3)
        else substr(p.name, 2)
    end as given_name,
    case
        when p.name like '%·%' or p.name like '% %' or length(p.name) not between 2 and 4 or lower(p.name) <> upper(p.name) then p.name
        when length(p.name) > 2 and left(p.name, 2) in (
            '欧阳', '上官', '司马', '诸葛', '尉迟', '司徒', '夏侯', '皇甫', '东方', '令狐', '慕容', '端木', '公孙', '独孤', '南宫', '长孙', '宇文', '轩辕', '钟离',
            '澹台', '公冶', '宗政', '濮阳', '淳于', '单于', '太叔', '申屠', '鲜于', '司空', '呼延', '百里', '东郭', '西门', '赫连', '万俟', '拓跋', '完颜', '纳兰'
        ) then left(p.name, 2)
        else left(p.name, 1)
    end as family_name,
    case when u.category_code = '1' and u.is_valid then u.unit_code else 'university' end as primary_org_sourced_id,
    null as user_sourced_id, null as role_type, null as role, null as class_sourced_id, null as is_primary
from (
    select s.student_no as number, s.name, x.unit_code, 'student' as role
    from student s
    join student_status x on x.student_no = s.student_no and x.in_school
    union
    select s.staff_no as number, s.name, s.unit_code, 'teacher' as role
    from course_section c
    join staff s on s.staff_no = c.teacher_no and s.state_code in ('11', '12', '13', '14', '15')
    union
    select s.staff_no as number, s.name, s.unit_code, 'teacher' as role
    from admin_class k
    join staff s on s.staff_no = k.tutor_no and s.state_code in ('11', '12', '13', '14', '15')
) p
left join org_unit u on u.unit_code = p.unit_code
union all
select
    'roles' as file,
    'role-' || p.number as sourced_id,
    null as title, null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    null as name, null as identifier, null as course_code,
    case when u.category_code = '1' and u.is_valid then u.unit_code else 'university' end as org_sourced_id,
    null as course_sourced_id, null as class_code, null as class_type, null as school_sourced_id, null as term_sourced_ids,
    null as enabled_user, null as username, null as given_name, null as family_name, null as primary_org_sourced_id,
    p.number as user_sourced_id,
    'primary' as role_type,
    p.role as role,
    null as class_sourced_id, null as is_primary
from (
    select s.student_no as number, s.name, x.unit_code, 'student' as role
    from student s
    join student_status x on x.student_no = s.student_no and x.in_school
    union
    select s.staff_no as number, s.name, s.unit_code, 'teacher' as role
    from course_section c
    join staff s on s.staff_no = c.teacher_no and s.state_code in ('11', '12', '13', '14', '15')
    union
    select s.staff_no as number, s.name, s.unit_code, 'teacher' as role
    from admin_class k
    join staff s on s.staff_no = k.tutor_no and s.state_code in ('11', '12', '13', '14', '15')
) p
left join org_unit u on u.unit_code = p.unit_code
union all
select
    'enrollments' as file,
    e.section_no || '.' || e.student_no as sourced_id,
    null as title, null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    null as name, null as identifier, null as course_code, null as org_sourced_id, null as course_sourced_id,
    null as class_code, null as class_type,
    'university' as school_sourced_id,
    null as term_sourced_ids, null as enabled_user, null as username, null as given_name, null as family_name,
    null as primary_org_sourced_id,
    e.student_no as user_sourced_id,
    null as role_type,
    'student' as role,
    e.section_no as class_sourced_id,
    false as is_primary
from course_selection e
join course_section c on c.section_no = e.section_no
join student_status x on x.student_no = e.student_no and x.in_school
join student s on s.student_no = e.student_no
union all
select
    'enrollments' as file,
    c.section_no || '.' || s.staff_no as sourced_id,
    null as title, null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    null as name, null as identifier, null as course_code, null as org_sourced_id, null as course_sourced_id,
    null as class_code, null as class_type,
    'university' as school_sourced_id,
    null as term_sourced_ids, null as enabled_user, null as username, null as given_name, null as family_name,
    null as primary_org_sourced_id,
    s.staff_no as user_sourced_id,
    null as role_type,
    'teacher' as role,
    c.section_no as class_sourced_id,
    true as is_primary
from course_section c
join staff s on s.staff_no = c.teacher_no and s.state_code in ('11', '12', '13', '14', '15')
union all
select
    'enrollments' as file,
    'class-' || k.class_no || '.' || x.student_no as sourced_id,
    null as title, null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    null as name, null as identifier, null as course_code, null as org_sourced_id, null as course_sourced_id,
    null as class_code, null as class_type,
    'university' as school_sourced_id,
    null as term_sourced_ids, null as enabled_user, null as username, null as given_name, null as family_name,
    null as primary_org_sourced_id,
    x.student_no as user_sourced_id,
    null as role_type,
    'student' as role,
    'class-' || k.class_no as class_sourced_id,
    false as is_primary
from student_status x
join student s on s.student_no = x.student_no
join admin_class k on k.class_no = x.class_no
join term t on t.is_current
where x.in_school
union all
select
    'enrollments' as file,
    'class-' || k.class_no || '.' || s.staff_no as sourced_id,
    null as title, null as type, null as start_date, null as end_date, null as parent_sourced_id, null as school_year,
    null as name, null as identifier, null as course_code, null as org_sourced_id, null as course_sourced_id,
    null as class_code, null as class_type,
    'university' as school_sourced_id,
    null as term_sourced_ids, null as enabled_user, null as username, null as given_name, null as family_name,
    null as primary_org_sourced_id,
    s.staff_no as user_sourced_id,
    null as role_type,
    'teacher' as role,
    'class-' || k.class_no as class_sourced_id,
    true as is_primary
from admin_class k
join staff s on s.staff_no = k.tutor_no and s.state_code in ('11', '12', '13', '14', '15')
join term t on t.is_current
