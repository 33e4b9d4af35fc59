-- The admissions office's list, from which the academic affairs office gives numbers, colleges, majors and classes (SJGXLC02/1).
select
    r.candidate_no,
    r.name,
    r.sex_code,
    r.birth_date,
    r.id_type_code,
    r.id_number,
    r.admitted_major,
    r.admitted_level_code,
    r.origin_place_code
from admission_record r
