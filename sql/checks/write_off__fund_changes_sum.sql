-- FE-5: the amount = what it took out of the funds.
with changes as (
    select
        fund_change.write_off_no,
        sum(case when fund_change.direction_code = '2' then fund_change.amount else -fund_change.amount end) as amount
    from fund_change
    where fund_change.write_off_no is not null
    group by fund_change.write_off_no
)
select write_off.source_system, write_off.source_row
from write_off
left join changes on changes.write_off_no = write_off.write_off_no
where write_off.amount <> coalesce(changes.amount, 0)
