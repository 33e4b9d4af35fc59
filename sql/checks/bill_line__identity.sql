-- FE-1: 应收费用 = 减免费用 + 实收费用 + 未结清费用.
select source_system, source_row
from bill_line
where receivable <> relief + received + outstanding
