-- What the card manufacturer needs to print a card (canonical 9.1) and nothing else; never delivered by itself (F25).
select
    p.person_no,
    coalesce(s.name, e.name) as name,
    coalesce(u.name, v.name) as unit_name,
    p.photo_hash
from person_photo p
left join student s on s.student_no = p.person_no
left join student_status t on t.student_no = p.person_no
left join org_unit u on u.unit_code = t.unit_code
left join staff e on e.staff_no = p.person_no
left join org_unit v on v.unit_code = e.unit_code
where p.source_system = 'it_centre'
