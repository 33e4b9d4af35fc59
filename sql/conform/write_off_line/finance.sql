select
    cast(nullif(trim(s.write_off_no), '') as varchar) as write_off_no,
    cast(coalesce(item_code.code, nullif(trim(s.item), '')) as varchar) as item_code,
    cast(coalesce(kind_code.code, nullif(trim(s.kind), '')) as varchar) as kind_code,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(s.amount as decimal(12,2)) as amount,
    s.source_row as source_row
from finance.write_off_line s
left join codes.map item_code
    on item_code.system = 'finance' and item_code.list = 'HUB/FEE_ITEM' and item_code.source_code = trim(s.item)
left join codes.map kind_code
    on kind_code.system = 'finance' and kind_code.list = 'HUB/PAYMENT_KIND' and kind_code.source_code = trim(s.kind)
