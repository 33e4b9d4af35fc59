-- ID-8: one resident number under two names is two people; the later student_no is held. The same name is one person
-- who studied here twice.
with numbered as (
    select source_system, source_row, student_no, name, upper(id_number) as number
    from student
    where id_type_code in ('1', 'J1', 'J2') and id_number is not null
),
first_holder as (
    select number, min(student_no) as student_no
    from numbered
    group by number
    having count(*) > 1
)
select distinct later.source_system, later.source_row
from first_holder
join numbered earlier on earlier.number = first_holder.number and earlier.student_no = first_holder.student_no
join numbered later on later.number = first_holder.number and later.student_no <> first_holder.student_no
where later.name <> earlier.name
