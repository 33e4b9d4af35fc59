-- FE-9: new 上期欠费 = old 欠费金额 (taken as the whole debt); the paid fields of the new year begin at zero.
select source_system, source_row
from year_close
where carried_outstanding <> closed_outstanding or opening_received <> 0
