-- Reimbursement vouchers of persons and research projects.
select
    r.voucher_no,
    r.person_no,
    r.project_no,
    r.amount,
    r.paid_on,
    r.summary
from reimbursement r
where r.source_system = 'finance'
