-- What each student of the latest intake has to pay, item by item, and whether it is settled (YWLC01/5). The welcome system shows
-- states, not sums.
select
    l.student_no,
    l.school_year,
    l.item_code,
    l.kind_code,
    i.item_name,
    i.is_required,
    l.outstanding <= 0 as is_settled
from bill_line l
join student_status t on t.student_no = l.student_no
left join fee_item i on i.item_code = l.item_code
where l.source_system = 'finance' and t.is_new_student
