select source_system, source_row
from library_clearance
where declared_cleared is null or declared_cleared <> cleared
