-- Readers, each with what is shown to that person only.
select
    r.reader_barcode,
    r.person_no,
    coalesce(s.name, t.name) as name,
    r.state_code,
    r.quota,
    r.on_loan,
    r.overdue_debt,
    r.expires_on
from library_reader r
left join student s on s.student_no = r.person_no
left join staff t on t.staff_no = r.person_no
where r.source_system = 'library'
