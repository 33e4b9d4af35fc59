-- Books that are out; a returned one leaves the feed. There are no titles: they reveal interests.
select
    l.loan_no,
    l.person_no,
    l.item_barcode,
    l.lent_at,
    l.due_at,
    l.renewals
from library_loan l
where l.source_system = 'library' and l.returned_at is null
