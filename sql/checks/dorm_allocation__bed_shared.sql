-- One bed, one student, as long as nobody has moved out.
select dorm_allocation.source_system, dorm_allocation.source_row
from dorm_allocation
join dorm_allocation other
    on other.building_no = dorm_allocation.building_no
    and other.room_no = dorm_allocation.room_no
    and other.bed_no = dorm_allocation.bed_no
    and other.student_no <> dorm_allocation.student_no
where dorm_allocation.moved_out_on is null and other.moved_out_on is null
