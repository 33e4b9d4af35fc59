-- YWLC04/7: a registration through the green channel (basis 2) ends with the term at the latest.
select
    cast(count(r.student_no) as bigint) as needed,
    cast(count(case when r.basis_expires_on <= o.due_on then 1 end) as bigint) as found,
    cast(count(case when r.basis_expires_on <= o.due_on then 1 end) = count(r.student_no) as boolean) as met,
    cast(
        'green_channel=' || cast(count(r.student_no) as varchar) || ' ending_in_time='
        || cast(count(case when r.basis_expires_on <= o.due_on then 1 end) as varchar) as varchar
    ) as evidence
from occasion o
left join registration r on r.school_year = o.school_year and r.term_code = o.term_code and r.basis = '2'
