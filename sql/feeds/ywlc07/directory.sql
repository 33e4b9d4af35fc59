-- One entry for everybody who may log in: staff in post or re-employed and students in school as a matter of course, others while their
-- number and grant are in force (R12, YWLC07/5, canonical 9.2); who is not within the days of a grant has no account.
select
    a.uid,
    coalesce(s.name, t.name, x.name) as name,
    case
        when coalesce(s.name, t.name, x.name) like '%·%' or coalesce(s.name, t.name, x.name) like '% %' then coalesce(s.name, t.name, x.name)
        when left(coalesce(s.name, t.name, x.name), 2) in (
            '欧阳', '司马', '上官', '诸葛', '东方', '皇甫', '尉迟', '公孙', '令狐', '慕容', '夏侯', '司徒', '端木', '宇文', '长孙', '南宫'
        ) and length(coalesce(s.name, t.name, x.name)) > 2 then left(coalesce(s.name, t.name, x.name), 2)
        else left(coalesce(s.name, t.name, x.name), 1)
    end as surname,
    a.affiliation,
    case a.affiliation
        when 'faculty' then 'employee;faculty;member'
        when 'staff' then 'employee;member;staff'
        when 'affiliate' then 'affiliate'
        else 'member;student'
    end as affiliations,
    a.unit_code,
    u.name as unit_name,
    'zh-CN' as language,
    case when a.affiliation = 'affiliate' then cast(cast(x.valid_to as date) - cast('1970-01-01' as date) + 1 as bigint) end as expires_on
from account a
left join staff s on s.staff_no = a.uid
left join student t on t.student_no = a.uid
left join external_person x on x.person_no = a.uid
left join org_unit u on u.unit_code = a.unit_code
where (a.affiliation in ('faculty', 'staff', 'student') or x.is_granted) and coalesce(s.name, t.name, x.name) is not null
