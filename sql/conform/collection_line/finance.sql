select
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(s.amount_sent as decimal(12,2)) as amount_sent,
    cast(coalesce(result_code.code, nullif(trim(s.result), '')) as varchar) as result_code,
    cast(s.amount_collected as decimal(12,2)) as amount_collected,
    s.source_row as source_row
from finance.collection_line s
left join codes.map result_code
    on result_code.system = 'finance' and result_code.list = 'HUB/COLLECTION_RESULT' and result_code.source_code = trim(s.result)
