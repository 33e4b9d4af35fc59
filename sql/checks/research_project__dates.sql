select source_system, source_row
from research_project
where end_on < start_on
