-- Staff of HR; in post are the states of canonical 5.4.
select
    s.staff_no,
    s.name,
    s.name_en,
    s.name_pinyin,
    s.former_name,
    s.sex_code,
    s.birth_date,
    s.birthplace_code,
    s.native_place,
    s.ethnicity_code,
    s.nationality_code,
    s.id_type_code,
    s.id_number,
    s.id_valid_period,
    s.hmt_overseas_code,
    s.political_code,
    coalesce(s.photo_ref, f.photo_hash) as photo_ref,
    s.unit_code,
    u.name as unit_name,
    s.campus_no,
    s.highest_education_code,
    s.work_start,
    s.joined_on,
    s.pay_start,
    s.establishment_code,
    s.category_code,
    s.state_code,
    s.state_code in ('11', '12', '13', '14', '15') as is_in_post,
    s.teaching_state_code,
    s.archive_no,
    s.mobile,
    s.email,
    s.is_agency,
    p.office_name,
    p.office_level_code,
    p.tech_post_code,
    p.tech_post_name
from staff s
left join org_unit u on u.unit_code = s.unit_code
left join current_post p on p.staff_no = s.staff_no
left join person_photo f on f.person_no = s.staff_no
where s.source_system = 'hr'
