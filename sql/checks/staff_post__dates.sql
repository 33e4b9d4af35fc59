select source_system, source_row
from staff_post
where end_on < start_on
