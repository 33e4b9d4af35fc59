-- The beds of the new students, for the welcome system to send them to (YWLC01/7, YWLC01/13).
select
    d.student_no,
    d.building_no,
    d.room_no,
    d.bed_no,
    d.moved_in_on,
    d.moved_out_on
from dorm_allocation d
