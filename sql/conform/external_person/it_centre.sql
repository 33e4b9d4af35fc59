select
    cast(trim(p.person_no) as varchar) as person_no,
    cast(trim(p.name) as varchar) as name,
    cast(p.kind as varchar) as kind,
    cast(p.unit_code as varchar) as unit_code,
    cast(p.valid_from as date) as valid_from,
    cast(p.valid_to as date) as valid_to,
    cast(p.linked_staff_no as varchar) as linked_staff_no,
    cast(p.approved_by is not null as boolean) as is_granted,
    p.source_row as source_row
from it_centre.external_person p
