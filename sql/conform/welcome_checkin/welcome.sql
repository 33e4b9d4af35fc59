select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(s.arrived_at as timestamp) as arrived_at,
    cast(case trim(s.notice_checked) when '是' then true when '否' then false end as boolean) as notice_checked,
    cast(case trim(s.card_issued) when 'Y' then true when 'N' then false end as boolean) as card_issued,
    cast(coalesce(fee_code.code, trim(s.fee_step)) as varchar) as fee_step,
    cast(coalesce(channel_code.code, trim(s.green_channel)) as varchar) as green_channel,
    cast(nullif(trim(s.reviewer_no), '') as varchar) as green_channel_reviewer,
    cast(case trim(s.supervised) when '1' then true when '0' then false end as boolean) as green_channel_supervised,
    s.source_row as source_row,
    s.unreadable as unreadable
from welcome.arrival s
left join codes.map fee_code
    on fee_code.system = 'welcome' and fee_code.list = 'JY/JNXFZK' and fee_code.source_code = trim(s.fee_step)
left join codes.map channel_code
    on channel_code.system = 'welcome' and channel_code.list = 'HUB/GREEN_CHANNEL' and channel_code.source_code = trim(s.green_channel)
