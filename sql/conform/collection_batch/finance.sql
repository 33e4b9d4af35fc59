select
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(s.sent_on as date) as sent_on,
    cast(s.due_on as date) as due_on,
    cast(s.returned_on as date) as returned_on,
    cast(s.lines_sent as bigint) as lines_sent,
    cast(s.amount_sent as decimal(12,2)) as amount_sent,
    cast(s.amount_collected as decimal(12,2)) as amount_collected,
    cast(s.as_of as timestamp) as as_of,
    s.source_row as source_row
from finance.collection_batch s
