select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(replace(trim(s.award_year), '学年', ''), '') as varchar) as award_year,
    cast(nullif(trim(s.award_name), '') as varchar) as award_name,
    cast(coalesce(level_code.code, trim(s.level)) as varchar) as award_level_code,
    cast(coalesce(grade_code.code, trim(s.grade)) as varchar) as award_grade_code,
    cast(coalesce(kind_code.code, trim(s.kind)) as varchar) as award_kind_code,
    cast(s.amount as decimal(12,2)) as award_amount,
    cast(nullif(trim(s.awarding_unit), '') as varchar) as awarding_unit,
    cast(coalesce(type_code.code, nullif(trim(s.scholarship_type), '')) as varchar) as scholarship_type_code,
    cast(case trim(s.share_consent) when '是' then true when '否' then false end as boolean) as share_consent,
    s.source_row as source_row
from student_affairs.award s
left join codes.map level_code
    on level_code.system = 'student_affairs' and level_code.list = 'JY/JB' and level_code.source_code = trim(s.level)
left join codes.map grade_code
    on grade_code.system = 'student_affairs' and grade_code.list = 'JY/JLDJ' and grade_code.source_code = trim(s.grade)
left join codes.map kind_code
    on kind_code.system = 'student_affairs' and kind_code.list = 'JY/XSHJLB' and kind_code.source_code = trim(s.kind)
left join codes.map type_code
    on type_code.system = 'student_affairs' and type_code.list = 'JY/JXJLX' and type_code.source_code = trim(s.scholarship_type)
