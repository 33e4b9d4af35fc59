select source_system, source_row
from discipline
where revoked_on < sanction_date
