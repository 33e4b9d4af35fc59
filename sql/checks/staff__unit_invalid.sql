-- 6.4: a person in post in a unit that is no longer valid; an unknown unit is the reference rule's business.
select staff.source_system, staff.source_row
from staff
join org_unit on org_unit.unit_code = staff.unit_code
where not org_unit.is_valid and staff.state_code in ('11', '12', '13', '14', '15')
