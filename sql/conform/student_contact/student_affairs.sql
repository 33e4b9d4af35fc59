-- Telephones lose blanks, hyphens, full-width digits and the country code 86 (canonical 6.3); landlines keep their hyphens.
with typed as (
    select
        s.source_row as position,
        replace(replace(translate(s.mobile, '０１２３４５６７８９　－＋', '0123456789 -+'), ' ', ''), '-', '') as mobile,
        replace(translate(s.contact_phone, '０１２３４５６７８９　－＋', '0123456789 -+'), ' ', '') as phone
    from student_affairs.confirmed_info s
)
select
    cast(nullif(trim(s.student_no), '') as varchar) as person_no,
    cast(nullif(replace(typed.mobile, '+86', ''), '') as varchar) as mobile,
    cast(nullif(lower(trim(s.email)), '') as varchar) as email,
    cast(nullif(trim(s.home_address), '') as varchar) as home_address,
    cast(nullif(trim(s.contact_name), '') as varchar) as contact_name,
    cast(nullif(case when starts_with(typed.phone, '0') then typed.phone
        else replace(replace(typed.phone, '-', ''), '+86', '') end, '') as varchar) as contact_phone,
    cast(coalesce(relation_code.code, nullif(trim(s.contact_relation), '')) as varchar) as contact_relation_code,
    cast(nullif(trim(s.origin_place), '') as varchar) as origin_place_code,
    cast(coalesce(state_code.code, trim(s.review_state)) as varchar) as review_state_code,
    cast(s.confirmed_on as date) as confirmed_on,
    cast(s.reviewed_on as date) as reviewed_on,
    s.source_row as source_row
from student_affairs.confirmed_info s
join typed on typed.position = s.source_row
left join codes.map relation_code
    on relation_code.system = 'student_affairs' and relation_code.list = 'GB/T 4761'
    and relation_code.source_code = trim(s.contact_relation)
left join codes.map state_code
    on state_code.system = 'student_affairs' and state_code.list = 'HUB/REVIEW_STATE'
    and state_code.source_code = trim(s.review_state)
