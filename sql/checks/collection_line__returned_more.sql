-- FE-13: collected is at most what was sent, and nothing without a success.
select source_system, source_row
from collection_line
where amount_collected > amount_sent or (amount_collected > 0 and coalesce(result_code, '') <> '1')
