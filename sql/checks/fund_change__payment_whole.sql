-- FE-14: 缴纳的费用可能超出. A posted payment comes into the account whole, whatever the bills take of it.
with brought as (
    select fund_change.payment_no, sum(fund_change.amount) as amount
    from fund_change
    where fund_change.kind_code = '1'
    group by fund_change.payment_no
)
select fund_change.source_system, fund_change.source_row
from fund_change
join brought on brought.payment_no = fund_change.payment_no
join payment on payment.payment_no = fund_change.payment_no
where fund_change.kind_code = '1' and brought.amount <> payment.amount
