-- GB 11643, rules ID-1 to ID-4: form, check character, existing birth date, province. The regions 81, 82 and 83 and the
-- leading 9 are those of residence permits; 15 digits are the form before 1999; a permit of 2017 has no check character.
with identity as (
    select source_system, source_row, id_type_code, upper(id_number) as number
    from staff
    where id_type_code in ('1', 'J1', 'J2') and id_number is not null
),
parts as (
    select
        source_system,
        source_row,
        id_type_code,
        number,
        substr(number, 1, 2) || '0000' as province,
        try_cast(case when length(number) = 18
            then substr(number, 7, 4) || '-' || substr(number, 11, 2) || '-' || substr(number, 13, 2)
            else '19' || substr(number, 7, 2) || '-' || substr(number, 9, 2) || '-' || substr(number, 11, 2)
        end as date) as born,
        substr('10X98765432', 1 + (
            7 * try_cast(substr(number, 1, 1) as integer) + 9 * try_cast(substr(number, 2, 1) as integer)
            + 10 * try_cast(substr(number, 3, 1) as integer) + 5 * try_cast(substr(number, 4, 1) as integer)
            + 8 * try_cast(substr(number, 5, 1) as integer) + 4 * try_cast(substr(number, 6, 1) as integer)
            + 2 * try_cast(substr(number, 7, 1) as integer) + 1 * try_cast(substr(number, 8, 1) as integer)
            + 6 * try_cast(substr(number, 9, 1) as integer) + 3 * try_cast(substr(number, 10, 1) as integer)
            + 7 * try_cast(substr(number, 11, 1) as integer) + 9 * try_cast(substr(number, 12, 1) as integer)
            + 10 * try_cast(substr(number, 13, 1) as integer) + 5 * try_cast(substr(number, 14, 1) as integer)
            + 8 * try_cast(substr(number, 15, 1) as integer) + 4 * try_cast(substr(number, 16, 1) as integer)
            + 2 * try_cast(substr(number, 17, 1) as integer)
        ) % 11, 1) as expected
    from identity
)
select parts.source_system, parts.source_row
from parts
left join codes.code province on province.list = 'GB/T 2260' and province.code = parts.province
where not (
    (
        regexp_matches(parts.number, '^[0-9]{15}$|^[0-9]{6}(19|20)[0-9]{9}[0-9X]$')
        and parts.born is not null
        and (length(parts.number) = 15 or substr(parts.number, 18, 1) = parts.expected)
        and (province.code is not null or parts.province = '830000' or substr(parts.number, 1, 1) = '9')
    )
    or (parts.id_type_code = 'J2' and regexp_matches(parts.number, '^[A-Z]{3}[0-9]{12}$'))
)
