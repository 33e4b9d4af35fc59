-- Reviewed means that both days are known and in order; before that there is no day of review.
select source_system, source_row
from student_contact
where (review_state_code = '2' and (confirmed_on is null or reviewed_on is null or reviewed_on < confirmed_on))
    or (review_state_code = '1' and confirmed_on is null)
