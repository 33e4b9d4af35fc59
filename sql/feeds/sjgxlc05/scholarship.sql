-- Awards with their money; whether employers may be shown one is the student's word.
select
    a.student_no,
    a.award_year,
    a.award_name,
    a.award_level_code,
    a.award_grade_code,
    a.award_kind_code,
    a.award_amount,
    a.awarding_unit,
    a.scholarship_type_code,
    a.share_consent
from award a
where a.source_system = 'student_affairs'
