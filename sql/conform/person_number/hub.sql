-- Which person a number belongs to: a decision, then what was given before, then the same document (15 digits made 18), then
-- a confirmed link to a staff number: the one that an external person's record names, or the same name, birth date, sex and
-- mobile telephone. Never a name alone. A number that is new and matches nothing is a new person, named after it.
with named as (
    select s.staff_no as number, 'T' as kind, 1 as place, s.name, s.sex_code, s.birth_date, s.mobile,
        cast(null as varchar) as linked_no, s.id_type_code, upper(s.id_number) as id_number
    from hub.staff s
    union all
    select t.student_no as number, 'S' as kind, 2 as place, t.name, t.sex_code, t.birth_date, t.mobile,
        cast(null as varchar) as linked_no, t.id_type_code, upper(t.id_number) as id_number
    from hub.student t
    union all
    select x.person_no as number, 'X' as kind, 3 as place, x.name, cast(null as varchar) as sex_code,
        cast(null as date) as birth_date, cast(null as varchar) as mobile, x.linked_staff_no as linked_no,
        cast(null as varchar) as id_type_code, cast(null as varchar) as id_number
    from hub.external_person x
),
lengthened as (
    select n.number, n.kind, n.place, n.name, n.sex_code, n.birth_date, n.mobile, n.linked_no, n.id_type_code, n.id_number,
        case when n.id_type_code = '1' and regexp_matches(n.id_number, '^[0-9]{15}$')
            then substr(n.id_number, 1, 6) || '19' || substr(n.id_number, 7, 9) end as seventeen
    from named n
),
tonight as (
    select l.number, l.kind, l.place, l.name, l.sex_code, l.birth_date, l.mobile, l.linked_no,
        case
            when l.seventeen is not null then 'R:' || l.seventeen || substr('10X98765432', 1 + (7 * try_cast(substr(l.seventeen, 1, 1) as integer) + 9 * try_cast(substr(l.seventeen, 2, 1) as integer) + 10 * try_cast(substr(l.seventeen, 3, 1) as integer) + 5 * try_cast(substr(l.seventeen, 4, 1) as integer) + 8 * try_cast(substr(l.seventeen, 5, 1) as integer) + 4 * try_cast(substr(l.seventeen, 6, 1) as integer) + 2 * try_cast(substr(l.seventeen, 7, 1) as integer) + 1 * try_cast(substr(l.seventeen, 8, 1) as integer) + 6 * try_cast(substr(l.seventeen, 9, 1) as integer) + 3 * try_cast(substr(l.seventeen, 10, 1) as integer) + 7 * try_cast(substr(l.seventeen, 11, 1) as integer) + 9 * try_cast(substr(l.seventeen, 12, 1) as integer) + 10 * try_cast(substr(l.seventeen, 13, 1) as integer) + 5 * try_cast(substr(l.seventeen, 14, 1) as integer) + 8 * try_cast(substr(l.seventeen, 15, 1) as integer) + 4 * try_cast(substr(l.seventeen, 16, 1) as integer) + 2 * try_cast(substr(l.seventeen, 17, 1) as integer)) % 11, 1)
            when l.id_number is null or l.id_type_code is null then null
            when l.id_type_code in ('1', 'J1', 'J2') then 'R:' || l.id_number
            else l.id_type_code || ':' || l.id_number
        end as document
    from lengthened l
),
known as (
    select b.number, b.kind, b.basis, b.document, coalesce(d.person_id, b.person_id) as person_id,
        d.person_id is not null as is_decided
    from hub.person_number b
    left join hub.person_decision d on d.number = b.number
    union all
    select d.number, t.kind, 'M' as basis, t.document, d.person_id, true as is_decided
    from hub.person_decision d
    join tonight t on t.number = d.number
    left join hub.person_number b on b.number = d.number
    where b.number is null
),
holders as (
    select coalesce(t.document, k.document) as document, k.person_id
    from known k
    left join tonight t on t.number = k.number
    where coalesce(t.document, k.document) is not null
    qualify row_number() over (
        partition by coalesce(t.document, k.document) order by coalesce(t.place, 9), k.number
    ) = 1
),
fresh as (
    select t.number, t.kind, t.place, t.name, t.sex_code, t.birth_date, t.mobile, t.linked_no, t.document,
        h.person_id as held_by,
        row_number() over (partition by t.document order by t.place, t.number) as turn,
        count(*) over (partition by t.document) as sharers
    from tonight t
    left join known k on k.number = t.number
    left join holders h on h.document = t.document
    where k.number is null
),
founders as (
    select f.document, f.number from fresh f where f.turn = 1 and f.document is not null
),
matched as (
    select f.number, f.kind, f.name, f.sex_code, f.birth_date, f.mobile, f.linked_no, f.document,
        coalesce(f.held_by, 'P' || o.number, 'P' || f.number) as person_id,
        f.held_by is null and (f.document is null or f.sharers = 1) as is_alone
    from fresh f
    left join founders o on o.document = f.document
),
employed as (
    select t.number, t.name, t.sex_code, t.birth_date, t.mobile, coalesce(k.person_id, m.person_id) as person_id
    from tonight t
    left join known k on k.number = t.number
    left join matched m on m.number = t.number
    where t.kind = 'T'
),
links as (
    select m.number, e.number as staff_no, e.person_id
    from matched m
    join employed e on e.number = m.linked_no and e.name = m.name
    where m.is_alone and m.kind = 'X'
    union all
    select m.number, e.number as staff_no, e.person_id
    from matched m
    join employed e on e.name = m.name and e.birth_date = m.birth_date and e.sex_code = m.sex_code and e.mobile = m.mobile
    where m.is_alone and m.kind = 'S'
),
linked as (
    select k.number, k.person_id from links k
    qualify row_number() over (partition by k.number order by k.staff_no) = 1
)
select
    k.number as number,
    coalesce(t.kind, k.kind) as kind,
    k.person_id as person_id,
    case when k.is_decided then 'M' else k.basis end as basis,
    coalesce(t.document, k.document) as document
from known k
left join tonight t on t.number = k.number
union all
select
    m.number as number,
    m.kind as kind,
    coalesce(l.person_id, m.person_id) as person_id,
    case when l.person_id is not null then 'L' when m.person_id = 'P' || m.number then 'N' else 'D' end as basis,
    m.document as document
from matched m
left join linked l on l.number = m.number
