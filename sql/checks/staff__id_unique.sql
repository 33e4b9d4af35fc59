-- ID-8: one resident number under two names is two people; the later staff_no is held. The same name is one person
-- numbered twice, which is for HR to mend.
with numbered as (
    select source_system, source_row, staff_no, name, upper(id_number) as number
    from staff
    where id_type_code in ('1', 'J1', 'J2') and id_number is not null
),
first_holder as (
    select number, min(staff_no) as staff_no
    from numbered
    group by number
    having count(*) > 1
)
select distinct later.source_system, later.source_row
from first_holder
join numbered earlier on earlier.number = first_holder.number and earlier.staff_no = first_holder.staff_no
join numbered later on later.number = first_holder.number and later.staff_no <> first_holder.staff_no
where later.name <> earlier.name
