-- FE-13: the successes = what the batch brought into the bank funds (资金类型 1).
with brought as (
    select
        fund_change.batch_no,
        sum(case when fund_change.direction_code = '1' then fund_change.amount else -fund_change.amount end) as amount
    from fund_change
    where fund_change.batch_no is not null and fund_change.fund_code = '1'
    group by fund_change.batch_no
)
select collection_batch.source_system, collection_batch.source_row
from collection_batch
left join brought on brought.batch_no = collection_batch.batch_no
where collection_batch.amount_collected <> coalesce(brought.amount, 0)
