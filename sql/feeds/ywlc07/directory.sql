-- One entry for everybody who may log in as a matter of course: staff in post or re-employed, students in school (R12, canonical 9.2).
select
    a.uid,
    coalesce(s.name, t.name) as name,
    case
        when coalesce(s.name, t.name) like '%·%' or coalesce(s.name, t.name) like '% %' then coalesce(s.name, t.name)
        when left(coalesce(s.name, t.name), 2) in (
            '欧阳', '司马', '上官', '诸葛', '东方', '皇甫', '尉迟', '公孙', '令狐', '慕容', '夏侯', '司徒', '端木', '宇文', '长孙', '南宫'
        ) and length(coalesce(s.name, t.name)) > 2 then left(coalesce(s.name, t.name), 2)
        else left(coalesce(s.name, t.name), 1)
    end as surname,
    a.affiliation,
    case a.affiliation
        when 'faculty' then 'employee;faculty;member'
        when 'staff' then 'employee;member;staff'
        else 'member;student'
    end as affiliations,
    a.unit_code,
    u.name as unit_name,
    'zh-CN' as language
from account a
left join staff s on s.staff_no = a.uid
left join student t on t.student_no = a.uid
left join org_unit u on u.unit_code = a.unit_code
where a.affiliation in ('faculty', 'staff', 'student') and coalesce(s.name, t.name) is not null
