select source_system, source_row
from library_loan
where returned_at < lent_at or due_at < lent_at
