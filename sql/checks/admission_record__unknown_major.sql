-- 4.22: the name of the admitted major leads to a major of the university.
select admission_record.source_system, admission_record.source_row
from admission_record
where not exists (select 1 from major where major.name = admission_record.admitted_major)
