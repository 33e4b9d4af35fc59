-- SJGXLC01/5: number and name must be those of HR; HR has thirty days to follow.
select source_system, source_row
from staff_preentry
where state in ('D', 'X')
