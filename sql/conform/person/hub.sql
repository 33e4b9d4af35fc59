-- One row a person. What staff and students both have is HR's of a member of staff in post, then the student system's of a
-- student in school, then whoever has it.
with sides as (
    select n.person_id, n.number, 1 as place, s.state_code in ('11', '12', '13', '14', '15') as is_active,
        s.name, s.sex_code, s.birth_date, s.nationality_code, s.id_type_code, s.id_number, s.mobile, s.email, s.unit_code,
        '' as since
    from hub.person_number n
    join hub.staff s on s.staff_no = n.number
    union all
    select n.person_id, n.number, 2 as place, coalesce(c.in_school, false) as is_active,
        t.name, t.sex_code, t.birth_date, t.nationality_code, t.id_type_code, t.id_number, t.mobile, t.email, c.unit_code,
        coalesce(c.entry_month, '') as since
    from hub.person_number n
    join hub.student t on t.student_no = n.number
    left join hub.student_status c on c.student_no = n.number
    union all
    select n.person_id, n.number, 3 as place, x.is_granted as is_active,
        x.name, cast(null as varchar) as sex_code, cast(null as date) as birth_date, cast(null as varchar) as nationality_code,
        cast(null as varchar) as id_type_code, cast(null as varchar) as id_number, cast(null as varchar) as mobile,
        cast(null as varchar) as email, x.unit_code, '' as since
    from hub.person_number n
    join hub.external_person x on x.person_no = n.number
),
ranked as (
    select
        s.person_id, s.number, s.place, s.is_active, s.name, s.sex_code, s.birth_date, s.nationality_code, s.id_type_code,
        s.id_number, s.mobile, s.email, s.unit_code,
        row_number() over (partition by s.person_id order by s.is_active desc, s.place, s.since desc, s.number) as turn,
        row_number() over (partition by s.person_id, s.place order by s.is_active desc, s.since desc, s.number) as turn_in_place,
        count(*) over (partition by s.person_id) as numbers,
        max(case when s.place = 1 and s.is_active then 1 else 0 end) over (partition by s.person_id) as staff_in_post,
        max(case when s.place = 2 and s.is_active then 1 else 0 end) over (partition by s.person_id) as in_school
    from sides s
)
select
    r.person_id as person_id,
    r.name as name,
    coalesce(r.sex_code, a.sex_code, b.sex_code) as sex_code,
    coalesce(r.birth_date, a.birth_date, b.birth_date) as birth_date,
    coalesce(r.nationality_code, a.nationality_code, b.nationality_code) as nationality_code,
    coalesce(r.id_type_code, a.id_type_code, b.id_type_code) as id_type_code,
    coalesce(r.id_number, a.id_number, b.id_number) as id_number,
    coalesce(r.mobile, a.mobile, b.mobile) as mobile,
    coalesce(r.email, a.email, b.email) as email,
    r.unit_code as unit_code,
    a.number as staff_no,
    b.number as student_no,
    x.number as person_no,
    r.staff_in_post = 1 as is_staff,
    r.in_school = 1 as is_student,
    cast(r.numbers as bigint) as number_count
from ranked r
left join ranked a on a.person_id = r.person_id and a.place = 1 and a.turn_in_place = 1
left join ranked b on b.person_id = r.person_id and b.place = 2 and b.turn_in_place = 1
left join ranked x on x.person_id = r.person_id and x.place = 3 and x.turn_in_place = 1
where r.turn = 1
