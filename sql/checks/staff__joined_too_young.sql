select source_system, source_row
from staff
where joined_on < birth_date + interval 15 year
