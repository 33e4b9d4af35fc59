with held as (
    select
        nullif(trim(s.staff_no), '') as staff_no,
        coalesce(kind.code, trim(s.post_kind)) as post_kind,
        nullif(trim(s.post_name), '') as post_name,
        nullif(trim(s.post_level_code), '') as post_level_code,
        nullif(trim(s.tech_post_code), '') as tech_post_code,
        s.source_row as source_row,
        s.unreadable as unreadable,
        row_number() over (
            partition by trim(s.staff_no), coalesce(kind.code, trim(s.post_kind)) order by s.start_on desc, s.source_row
        ) as place
    from hr.post_record s
    left join codes.map kind
        on kind.system = 'hr' and kind.list = 'HUB/POST_KIND' and kind.source_code = trim(s.post_kind)
    left join codes.map holding
        on holding.system = 'hr' and holding.list = 'GB/T 14946.1 A.8' and holding.source_code = trim(s.holding_state)
    where coalesce(holding.code, trim(s.holding_state)) = '2'
        and coalesce(kind.code, trim(s.post_kind)) in ('1', '2')
        and s.start_on is not null
        and (s.end_on is null or s.end_on >= s.start_on)
)
select
    cast(staff_no as varchar) as staff_no,
    cast(max(case when post_kind = '1' then post_name end) as varchar) as office_name,
    cast(max(case when post_kind = '1' then post_level_code end) as varchar) as office_level_code,
    cast(max(case when post_kind = '2' then tech_post_code end) as varchar) as tech_post_code,
    cast(max(case when post_kind = '2' then post_name end) as varchar) as tech_post_name,
    min(source_row) as source_row,
    max(unreadable) as unreadable
from held
where place = 1 and staff_no is not null
group by staff_no
