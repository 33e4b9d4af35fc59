-- What two records say of one person, or one document of two, until somebody decides. A pair is named once, lower number
-- of kinds first: HR before the student systems.
with sides as (
    select n.number, n.kind, case n.kind when 'T' then 1 else 2 end as place, n.person_id, n.document, s.name, s.birth_date,
        s.sex_code, s.mobile, s.state_code in ('11', '12', '13', '14', '15') as is_in_post, d.action, d.person_id as decided_for,
        d.other_person_id
    from hub.person_number n
    join hub.staff s on s.staff_no = n.number
    left join hub.person_decision d on d.number = n.number
    union all
    select n.number, n.kind, 2 as place, n.person_id, n.document, t.name, t.birth_date,
        t.sex_code, t.mobile, false as is_in_post, d.action, d.person_id as decided_for, d.other_person_id
    from hub.person_number n
    join hub.student t on t.student_no = n.number
    left join hub.person_decision d on d.number = n.number
),
pairs as (
    select a.number, b.number as other_number, true as is_document from sides a
    join sides b on b.document = a.document
    where a.place < b.place or (a.place = b.place and a.number < b.number)
    union all
    select a.number, b.number as other_number, false as is_document from sides a
    join sides b on b.person_id = a.person_id and (b.document <> a.document or b.document is null or a.document is null)
    where a.place < b.place or (a.place = b.place and a.number < b.number)
    union all
    select a.number, b.number as other_number, false as is_document from sides a
    join sides b on b.name = a.name and b.birth_date = a.birth_date and b.sex_code = a.sex_code
        and (b.kind <> a.kind or b.mobile = a.mobile) and b.person_id <> a.person_id and b.document <> a.document
    where a.place < b.place or (a.place = b.place and a.number < b.number)
),
seen as (
    select
        case
            when a.person_id <> b.person_id and p.is_document then 'P'
            when a.person_id <> b.person_id then 'C'
            when a.is_in_post and b.is_in_post then 'T'
            when p.is_document and a.name <> b.name then 'N'
            when p.is_document and a.birth_date <> b.birth_date then 'B'
            when not p.is_document and (a.name <> b.name or a.birth_date <> b.birth_date or a.document <> b.document) then 'R'
        end as kind,
        a.number, b.number as other_number, a.kind as number_kind, b.kind as other_kind, a.person_id,
        b.person_id as other_person_id, a.name, b.name as other_name, a.birth_date, b.birth_date as other_birth_date,
        coalesce(a.person_id = b.person_id and (a.action = 'L' or b.action = 'L'), false)
            or coalesce(a.action = 'U' and a.other_person_id = b.person_id, false)
            or coalesce(b.action = 'U' and b.other_person_id = a.person_id, false) as is_decided
    from pairs p
    join sides a on a.number = p.number
    join sides b on b.number = p.other_number
)
select
    s.kind as kind,
    s.number as number,
    s.other_number as other_number,
    s.number_kind as number_kind,
    s.other_kind as other_kind,
    s.person_id as person_id,
    s.other_person_id as other_person_id,
    s.name as name,
    s.other_name as other_name,
    s.birth_date as birth_date,
    s.other_birth_date as other_birth_date
from seen s
where s.kind is not null and not s.is_decided
