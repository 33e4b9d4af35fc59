-- Canonical 4.14: basis and person are mandatory when registered.
select source_system, source_row
from registration
where state_code = '1' and (registered_on is null or basis is null or registered_by is null)
