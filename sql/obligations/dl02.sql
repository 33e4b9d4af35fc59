-- YWLC01/3: 招办 hands the admission records to 教务处. Those that became a student of an earlier year do not count.
select
    cast(1 as bigint) as needed,
    cast(count(a.candidate_no) as bigint) as found,
    cast(count(a.candidate_no) > 0 as boolean) as met,
    cast('admission_records=' || cast(count(a.candidate_no) as varchar) as varchar) as evidence
from occasion o
left join (
    select r.candidate_no, s.entry_month
    from admission_record r
    left join student p on p.candidate_no = r.candidate_no
    left join student_status s on s.student_no = p.student_no
) a on a.entry_month is null or left(a.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
