-- Passes and passports have no check character, only a form (canonical 6.2).
select source_system, source_row
from staff
where not regexp_matches(id_number, case id_type_code
    when '8' then '^[0-9]{8}$|^[A-Z0-9]{10}$'
    when 'J3' then '^[HM][0-9]{8}([0-9]{2})?$'
    when 'A' then '^[A-Z0-9]{5,20}$'
end)
