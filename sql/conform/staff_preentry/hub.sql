-- SJGXLC01/5, SJGXLC02/4: the academic system may enter a teacher before HR has the record. Waits for HR thirty days; HR
-- confirms by the person's arrival or withdraws by its own event; a local delete ends only what HR never had (R17, R18).
with numbers as (
    select p.staff_no from hub.provisional_staff p
    union
    select b.staff_no from hub.staff_preentry b
),
seen as (
    select n.staff_no, coalesce(p.name, b.name) as name, coalesce(p.unit_code, b.unit_code) as unit_code,
        p.staff_no is not null as is_entered, s.staff_no is not null as is_known, s.name = p.name as is_same,
        s.state_code in ('11', '12', '13', '14', '15') as is_in_post, s.joined_on <= t.as_of as has_arrived,
        b.state as state, b.first_seen_on, b.expires_on, b.matched_on, b.confirmed_on, b.withdrawn_on, b.removed_on, t.as_of
    from numbers n
    cross join hub.tonight t
    left join hub.provisional_staff p on p.staff_no = n.staff_no
    left join hub.staff_preentry b on b.staff_no = n.staff_no
    left join hub.staff s on s.staff_no = n.staff_no
    where b.staff_no is not null or s.staff_no is null or s.joined_on > t.as_of
),
judged as (
    select s.staff_no, s.name, s.unit_code, s.is_entered, s.is_known, s.first_seen_on, s.expires_on, s.matched_on,
        s.confirmed_on, s.withdrawn_on, s.removed_on, s.as_of,
        case
            when s.state = 'C' then 'C'
            when s.is_known and not s.is_in_post then 'W'
            when s.is_known and not coalesce(s.is_same, s.state in ('M', 'C')) then 'D'
            when s.is_known and s.has_arrived then 'C'
            when s.is_known then 'M'
            when not s.is_entered then 'W'
            when s.as_of > s.expires_on then 'X'
            else 'P'
        end as state
    from seen s
)
select
    j.staff_no as staff_no,
    j.name as name,
    j.unit_code as unit_code,
    j.state as state,
    coalesce(j.first_seen_on, j.as_of) as first_seen_on,
    coalesce(j.expires_on, cast(j.as_of + interval '30' day as date)) as expires_on,
    coalesce(j.matched_on, case when j.state in ('M', 'C') then j.as_of end) as matched_on,
    coalesce(j.confirmed_on, case when j.state = 'C' then j.as_of end) as confirmed_on,
    case when j.state = 'W' then coalesce(j.withdrawn_on, j.as_of) end as withdrawn_on,
    case when not j.is_entered then coalesce(j.removed_on, j.as_of) end as removed_on
from judged j
