-- ID-6: the day in the number is the birth date. A number whose day cannot be read is the checksum rule's business.
select source_system, source_row
from staff
where id_type_code in ('1', 'J1', 'J2') and try_cast(case length(id_number)
    when 18 then substr(id_number, 7, 4) || '-' || substr(id_number, 11, 2) || '-' || substr(id_number, 13, 2)
    when 15 then '19' || substr(id_number, 7, 2) || '-' || substr(id_number, 9, 2) || '-' || substr(id_number, 11, 2)
end as date) <> birth_date
