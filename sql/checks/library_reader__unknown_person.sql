-- A card belongs to a student or to a member of staff; which of the two the number alone does not say.
select r.source_system, r.source_row
from library_reader r
left join student s on s.student_no = r.person_no
left join staff t on t.staff_no = r.person_no
where r.person_no is not null and s.student_no is null and t.staff_no is null
