-- Debts are counted in fen at the source.
select
    cast(nullif(trim(s.reader_barcode), '') as varchar) as reader_barcode,
    cast(nullif(trim(s.person_no), '') as varchar) as person_no,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state_code,
    cast(s.quota as bigint) as quota,
    cast(s.on_loan as bigint) as on_loan,
    cast(cast(s.overdue_debt as decimal(12,0)) * cast(0.01 as decimal(3,2)) as decimal(12,2)) as overdue_debt,
    cast(s.expires_on as date) as expires_on,
    s.source_row as source_row
from library.reader s
left join codes.map state_code
    on state_code.system = 'library' and state_code.list = 'HUB/READER_STATE' and state_code.source_code = trim(s.state)
