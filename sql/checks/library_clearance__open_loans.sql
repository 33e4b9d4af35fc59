-- Counted over the loans of the hub; without any loan there is nothing to compare with.
with ledger as (
    select count(*) as loans from library_loan
),
out as (
    select person_no, count(*) as books
    from library_loan
    where returned_at is null
    group by person_no
)
select c.source_system, c.source_row
from library_clearance c
join ledger on ledger.loans > 0
left join out on out.person_no = c.student_no
where c.on_loan <> coalesce(out.books, 0)
