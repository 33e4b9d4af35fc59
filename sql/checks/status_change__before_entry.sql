-- Keeping, restoring or cancelling a place (14, 15, 16) happens before or at entry.
select status_change.source_system, status_change.source_row
from status_change
join student_status on student_status.student_no = status_change.student_no
where status_change.change_code not in ('14', '15', '16')
    and strftime(status_change.change_date, '%Y%m') < student_status.entry_month
