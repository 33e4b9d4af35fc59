-- Permissions from posts, categories, classes and student status (YWLC08/1, YWLC09/2). What a basis gives stands in
-- schemas/codes/maps/roles.csv. Automatic are the four systems of R13 and R14, of HR's staff and the academic system's
-- students; everybody else is granted by hand on notice (F20). Only HR's staff are operators of the academic system (R16).
with staff as (
    select s.staff_no, s.unit_code, s.category_code, s.joined_on
    from hub.staff s
    where s.state_code in ('11', '12', '13', '14', '15')
),
intake as (
    select max(try_cast(substr(c.entry_month, 1, 4) as integer)) as entry_year from hub.student_status c
),
bases as (
    select s.staff_no as uid, 'hr' as basis_system, 'staff:in_post' as basis, s.unit_code as scope_unit,
        s.joined_on as valid_from, cast('2099-12-31' as date) as valid_to
    from staff s
    union all
    select s.staff_no as uid, 'hr' as basis_system, 'category:' || s.category_code as basis, s.unit_code as scope_unit,
        s.joined_on as valid_from, cast('2099-12-31' as date) as valid_to
    from staff s
    union all
    select s.staff_no as uid, 'hr' as basis_system, 'post:' || p.post_kind || ':' || p.post_level_code as basis,
        p.unit_code as scope_unit, p.start_on as valid_from, coalesce(p.end_on, cast('2099-12-31' as date)) as valid_to
    from staff s
    join hub.staff_post p on p.staff_no = s.staff_no
    where p.holding_state = '2' and p.post_level_code is not null
    union all
    select s.staff_no as uid, 'hr' as basis_system, 'class:counsellor' as basis, a.unit_code as scope_unit,
        s.joined_on as valid_from, cast('2099-12-31' as date) as valid_to
    from staff s
    join hub.admin_class a on a.counsellor_no = s.staff_no
    union all
    select s.staff_no as uid, 'hr' as basis_system, 'class:tutor' as basis, a.unit_code as scope_unit,
        s.joined_on as valid_from, cast('2099-12-31' as date) as valid_to
    from staff s
    join hub.admin_class a on a.tutor_no = s.staff_no
    union all
    select c.student_no as uid, c.source_system as basis_system, k.basis as basis, c.unit_code as scope_unit,
        try_cast(substr(c.entry_month, 1, 4) || '-' || substr(c.entry_month, 5, 2) || '-01' as date) as valid_from,
        coalesce(cast(last_day(try_cast(substr(c.expected_graduation, 1, 4) || '-' || substr(c.expected_graduation, 5, 2) || '-01' as date)) + interval '90' day as date),
            cast('2099-12-31' as date)) as valid_to
    from hub.student_status c
    cross join intake i
    join (
        select 'student:in_school' as basis union all select 'student:new' as basis union all select 'student:final_year' as basis
    ) k on k.basis = 'student:in_school'
        or (k.basis = 'student:new' and c.is_new_student)
        or (k.basis = 'student:final_year' and try_cast(substr(c.expected_graduation, 1, 4) as integer) <= i.entry_year + 1)
    where c.in_school
)
select
    b.uid as uid,
    m.system as system_code,
    m.code as role_code,
    b.scope_unit as scope_unit,
    case when b.basis_system in ('hr', 'academic') and m.system in ('welcome', 'registration', 'student_affairs', 'leaving')
        then 'A' else 'M' end as grant_mode,
    min(b.basis) as basis,
    b.basis_system as basis_system,
    min(b.valid_from) as valid_from,
    max(greatest(b.valid_from, b.valid_to)) as valid_to,
    max(case when c.agrees and cast(c.confirmed_at as date) >= b.valid_from then c.confirmed_at end) as confirmed_at
from bases b
join codes.map m on m.list = 'HUB/ROLE' and m.source_code = b.basis
left join hub.grant_confirmation c
    on c.uid = b.uid and c.system_code = m.system and c.role_code = m.code and c.scope_unit = b.scope_unit
group by b.uid, m.system, m.code, b.scope_unit, b.basis_system
