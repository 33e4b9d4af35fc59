-- R11: the last four characters of the unit code and a serial from 001 to 999.
select source_system, source_row
from external_person
where person_no not like right(unit_code, 4) || '%'
    or not regexp_matches(substr(person_no, 5), '^[0-9]{3}$')
    or right(person_no, 3) = '000'
    or length(unit_code) < 4
