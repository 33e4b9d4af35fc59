-- Student affairs is compared where its office has reviewed (HUB/REVIEW_STATE 2); both offices see the difference.
select e.source_system, e.source_row
from employment e
join student_contact c on c.person_no = e.student_no
where c.review_state_code = '2' and c.origin_place_code <> e.origin_place_code
