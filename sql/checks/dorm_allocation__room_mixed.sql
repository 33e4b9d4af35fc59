-- A room holds students of one sex; both sides of a mixed room are told.
select dorm_allocation.source_system, dorm_allocation.source_row
from dorm_allocation
join student on student.student_no = dorm_allocation.student_no
where dorm_allocation.moved_out_on is null and exists (
    select 1
    from dorm_allocation other
    join student mate on mate.student_no = other.student_no
    where other.building_no = dorm_allocation.building_no
        and other.room_no = dorm_allocation.room_no
        and other.moved_out_on is null
        and mate.sex_code <> student.sex_code
)
