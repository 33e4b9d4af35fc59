-- R21. The graduating class is the one whose employment is being registered; who should graduate in that year and has
-- not named a place of origin here is told before the employment office asks.
with campaign as (
    select max(graduation_year) as graduation_year from employment
)
select c.source_system, c.source_row
from student_contact c
join student_status t on t.student_no = c.person_no
join campaign on campaign.graduation_year = substr(t.expected_graduation, 1, 4)
where c.origin_place_code is null and t.in_school
