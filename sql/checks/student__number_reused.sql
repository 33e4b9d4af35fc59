-- A number stays with its person: name, document and birth date all new under an old number are another person.
select student.source_system, student.source_row
from student
join standing.student stood on stood.student_no = student.student_no
where student.name is distinct from stood.name
    and student.id_number is distinct from stood.id_number
    and student.birth_date is distinct from stood.birth_date
