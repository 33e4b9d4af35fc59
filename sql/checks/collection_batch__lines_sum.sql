-- FE-13: the batch = the sum of its lines.
with lines as (
    select
        collection_line.batch_no,
        count(*) as lines_sent,
        sum(collection_line.amount_sent) as amount_sent,
        sum(collection_line.amount_collected) as amount_collected
    from collection_line
    group by collection_line.batch_no
)
select collection_batch.source_system, collection_batch.source_row
from collection_batch
left join lines on lines.batch_no = collection_batch.batch_no
where collection_batch.lines_sent <> coalesce(lines.lines_sent, 0)
    or collection_batch.amount_sent <> coalesce(lines.amount_sent, 0)
    or collection_batch.amount_collected <> coalesce(lines.amount_collected, 0)
