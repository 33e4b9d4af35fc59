-- R07, YWLC04/6: where the batch asks for check-in on site, an administrator of the student's own college does it: somebody of the
-- college (or a unit under it), who held a post there that day, or who has charge of a class there. Who moves between colleges
-- belongs to both. An operator whom HR does not have yet is not judged.
with colleges as (
    select student_no, unit_code from student_status where unit_code is not null
    union
    select student_no, from_unit as unit_code from status_change where from_unit is not null
), places as (
    select s.staff_no, s.unit_code, cast('1900-01-01' as date) as first_on, cast('2099-12-31' as date) as last_on
    from staff s
    union all
    select s.staff_no, u.parent_code as unit_code, cast('1900-01-01' as date) as first_on, cast('2099-12-31' as date) as last_on
    from staff s
    join org_unit u on u.unit_code = s.unit_code
    union all
    select p.staff_no, p.unit_code, p.start_on as first_on, coalesce(p.end_on, cast('2099-12-31' as date)) as last_on
    from staff_post p
    union all
    select a.counsellor_no as staff_no, a.unit_code, cast('1900-01-01' as date) as first_on, cast('2099-12-31' as date) as last_on
    from admin_class a
), own as (
    select distinct r.source_system, r.source_row
    from registration r
    join colleges c on c.student_no = r.student_no
    join places p on p.staff_no = r.checkin_operator and p.unit_code = c.unit_code
        and r.checkin_on between p.first_on and p.last_on
)
select r.source_system, r.source_row
from registration r
left join staff s on s.staff_no = r.checkin_operator
left join student_status t on t.student_no = r.student_no
left join own o on o.source_system = r.source_system and o.source_row = r.source_row
where r.checkin_on is not null and r.checkin_mode = '1'
    and (r.checkin_operator is null or r.checkin_operator = r.student_no
        or (s.staff_no is not null and t.unit_code is not null and o.source_row is null))
