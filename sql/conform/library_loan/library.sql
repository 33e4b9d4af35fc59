select
    cast(nullif(trim(s.loan_no), '') as varchar) as loan_no,
    cast(nullif(trim(s.reader_barcode), '') as varchar) as reader_barcode,
    cast(nullif(trim(s.person_no), '') as varchar) as person_no,
    cast(nullif(trim(s.item_barcode), '') as varchar) as item_barcode,
    cast(s.lent_at as timestamp) as lent_at,
    cast(s.due_on as timestamp) as due_at,
    cast(s.returned_at as timestamp) as returned_at,
    cast(s.renewals as bigint) as renewals,
    cast(coalesce(item_state_code.code, trim(s.item_state)) as varchar) as item_state_code,
    s.source_row as source_row
from library.loan s
left join codes.map item_state_code
    on item_state_code.system = 'library' and item_state_code.list = 'JY/TSQKZT' and item_state_code.source_code = trim(s.item_state)
