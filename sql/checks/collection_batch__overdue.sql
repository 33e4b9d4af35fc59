-- FE-12: lines without an answer after the day agreed with the bank.
select collection_batch.source_system, collection_batch.source_row
from collection_batch
where cast(collection_batch.as_of as date) > collection_batch.due_on
    and exists (
        select 1 from collection_line
        where collection_line.batch_no = collection_batch.batch_no and collection_line.result_code is null
    )
