select
    cast(nullif(trim(s.person_no), '') as varchar) as person_no,
    cast(nullif(lower(trim(s.photo_digest)), '') as varchar) as photo_hash,
    cast(s.taken_on as date) as taken_on,
    s.source_row as source_row
from it_centre.photo_register s
