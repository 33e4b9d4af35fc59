-- A revoked sanction is delivered to nobody: its key leaves the feed and is withdrawn where it was sent.
select
    d.student_no,
    d.sanction_date,
    d.sanction_code,
    d.violation_code,
    d.sanction_no
from discipline d
where d.source_system = 'student_affairs' and d.revoked_on is null
