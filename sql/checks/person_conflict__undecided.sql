-- Every open question is told, in the report and by `hub held`, until somebody decides.
select source_system, source_row
from person_conflict
