-- The last decision about a number stands.
select
    cast(d.number as varchar) as number,
    cast(d.person_id as varchar) as person_id,
    cast(d.other_person_id as varchar) as other_person_id,
    cast(d.action as varchar) as action,
    cast(d.decided_by as varchar) as decided_by,
    cast(d.decided_at as timestamp) as decided_at,
    d.source_row as source_row,
    d.unreadable as unreadable
from it_centre.person_decision d
qualify row_number() over (partition by d.number order by d.decision_id desc) = 1
