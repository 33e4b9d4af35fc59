-- ID-7: an odd sequence is a man's, an even one a woman's. Other values of the sex code say nothing.
select source_system, source_row
from student
where id_type_code in ('1', 'J1') and sex_code in ('1', '2')
    and regexp_matches(id_number, '^[0-9]{15}$|^[0-9]{17}[0-9Xx]$')
    and sex_code <> case try_cast(substr(id_number, case length(id_number) when 18 then 17 else 15 end, 1) as integer) % 2
        when 1 then '1' else '2' end
