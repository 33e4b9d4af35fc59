-- F19: two offices keep family data. Only what both know, and only what student affairs has reviewed (state 2).
select c.source_system, c.source_row
from student_contact c
join student s on s.student_no = c.person_no
where c.review_state_code = '2'
    and (
        (c.home_address is not null and s.home_address is not null and c.home_address <> s.home_address)
        or (c.contact_name is not null and s.contact_name is not null and c.contact_name <> s.contact_name)
        or (c.contact_phone is not null and s.contact_phone is not null and c.contact_phone <> s.contact_phone)
    )
