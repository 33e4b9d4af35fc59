-- Counted over the loans of the hub; without any loan there is nothing to compare with.
with ledger as (
    select count(*) as loans from library_loan
),
out as (
    select reader_barcode, count(*) as books
    from library_loan
    where returned_at is null
    group by reader_barcode
)
select r.source_system, r.source_row
from library_reader r
join ledger on ledger.loans > 0
left join out on out.reader_barcode = r.reader_barcode
where r.on_loan <> coalesce(out.books, 0)
