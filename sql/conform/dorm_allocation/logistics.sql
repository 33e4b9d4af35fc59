select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(translate(trim(s.building), '０１２３４５６７８９　', '0123456789'), '') as varchar) as building_no,
    cast(nullif(translate(trim(s.room), '０１２３４５６７８９　', '0123456789'), '') as varchar) as room_no,
    cast(nullif(replace(trim(s.bed), '号', ''), '') as varchar) as bed_no,
    cast(s.moved_in_on as date) as moved_in_on,
    cast(s.moved_out_on as date) as moved_out_on,
    s.source_row as source_row
from logistics.dorm_allocation s
