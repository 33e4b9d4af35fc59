select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(trim(s.school_year) || '-' || cast(try_cast(s.school_year as integer) + 1 as varchar) as varchar) as school_year,
    cast(s.closed_outstanding as decimal(12,2)) as closed_outstanding,
    cast(s.carried_outstanding as decimal(12,2)) as carried_outstanding,
    cast(s.opening_received as decimal(12,2)) as opening_received,
    cast(s.closed_on as date) as closed_on,
    s.source_row as source_row
from finance.year_close s
