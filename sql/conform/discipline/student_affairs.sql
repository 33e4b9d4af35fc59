select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(s.sanctioned_on as date) as sanction_date,
    cast(coalesce(sanction_code.code, trim(s.sanction)) as varchar) as sanction_code,
    cast(coalesce(violation_code.code, trim(s.violation)) as varchar) as violation_code,
    cast(nullif(trim(s.sanction_no), '') as varchar) as sanction_no,
    cast(s.revoked_on as date) as revoked_on,
    s.source_row as source_row
from student_affairs.sanction s
left join codes.map sanction_code
    on sanction_code.system = 'student_affairs' and sanction_code.list = 'JY/CFMC' and sanction_code.source_code = trim(s.sanction)
left join codes.map violation_code
    on violation_code.system = 'student_affairs' and violation_code.list = 'JY/WJLB' and violation_code.source_code = trim(s.violation)
