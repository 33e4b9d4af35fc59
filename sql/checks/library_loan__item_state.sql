-- JY TSQKZT: 1 在借. A lost or damaged book may be either.
select source_system, source_row
from library_loan
where (item_state_code = '1' and returned_at is not null) or (item_state_code = '2' and returned_at is null)
