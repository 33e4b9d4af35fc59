-- A row 合计 or 总计 is the file's own word on its month: the sum and, where the column of names has a number, the persons. Its month
-- is the one that it names, else the only one in the file. It pays nobody; every row of the month carries what it says,
-- and is held where that cannot be read.
with only_month as (
    select min(trim(s.month)) as month
    from finance.payroll s
    where coalesce(replace(replace(trim(s.person_no), ' ', ''), '　', ''), '') not in ('合计', '总计')
    having count(distinct trim(s.month)) = 1
), said as (
    select
        coalesce(nullif(trim(s.month), ''), o.month) as month,
        max(s.amount) as amount,
        max(try_cast(nullif(regexp_replace(s.name, '[^0-9]', '', 'g'), '') as bigint)) as persons,
        max(s.unreadable) as unreadable
    from finance.payroll s
    left join only_month o on 1 = 1
    where replace(replace(trim(s.person_no), ' ', ''), '　', '') in ('合计', '总计')
    group by coalesce(nullif(trim(s.month), ''), o.month)
)
select
    cast(nullif(trim(s.person_no), '') as varchar) as person_no,
    cast(nullif(trim(s.month), '') as varchar) as month,
    cast(nullif(trim(s.item_code), '') as varchar) as item_code,
    cast(nullif(trim(s.item_name), '') as varchar) as item_name,
    cast(s.amount as decimal(12,2)) as amount,
    cast(said.amount as decimal(12,2)) as file_amount,
    cast(said.persons as bigint) as file_persons,
    s.source_row as source_row,
    nullif(concat_ws(',', s.unreadable, said.unreadable), '') as unreadable
from finance.payroll s
left join said on said.month = trim(s.month)
where coalesce(replace(replace(trim(s.person_no), ' ', ''), '　', ''), '') not in ('合计', '总计')
