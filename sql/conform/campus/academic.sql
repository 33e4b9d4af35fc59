select
    cast(nullif(trim(s.campus_no), '') as varchar) as campus_no,
    cast(nullif(trim(s.name), '') as varchar) as name,
    cast(nullif(trim(s.address), '') as varchar) as address,
    cast(nullif(trim(s.postcode), '') as varchar) as postcode,
    cast(nullif(trim(s.phone), '') as varchar) as phone,
    cast(nullif(trim(s.head_person_no), '') as varchar) as head_person_no,
    s.source_row as source_row
from academic.campus_area s
