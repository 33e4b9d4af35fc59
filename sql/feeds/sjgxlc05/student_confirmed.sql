-- What students confirmed and the office reviewed; who somebody is and where comes from the owner of status (F19).
select
    c.person_no,
    s.name,
    s.sex_code,
    s.birth_date,
    s.ethnicity_code,
    s.political_code,
    t.unit_code,
    u.name as unit_name,
    t.class_no,
    t.major_code,
    m.name as major_name,
    t.level_code,
    t.entry_month,
    t.state_code,
    c.mobile,
    c.email,
    c.home_address,
    c.contact_name,
    c.contact_phone,
    c.contact_relation_code,
    c.origin_place_code,
    c.review_state_code,
    c.confirmed_on,
    c.reviewed_on
from student_contact c
join student s on s.student_no = c.person_no
left join student_status t on t.student_no = c.person_no
left join major m on m.major_code = t.major_code
left join org_unit u on u.unit_code = t.unit_code
where c.source_system = 'student_affairs'
