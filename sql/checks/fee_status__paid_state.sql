-- JY JNXFZK: 1 未缴, 2 已缴清, 3 免缴, 4 部分缴纳.
select source_system, source_row
from fee_status
where (state_code = '1' and received > 0)
    or (state_code in ('2', '3') and outstanding > 0)
    or (state_code = '4' and (received = 0 or outstanding = 0))
