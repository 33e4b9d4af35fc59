-- YWLC01/4: the welcome system has its batch, and new students are in it.
select
    cast(1 as bigint) as needed,
    cast(count(distinct t.batch_no) as bigint) as found,
    cast(count(distinct t.batch_no) > 0 as boolean) as met,
    cast(
        'batches=' || cast(count(distinct t.batch_no) as varchar)
        || ' students=' || cast(count(t.student_no) as varchar) as varchar
    ) as evidence
from occasion o
left join (
    select w.batch_no, w.student_no, s.entry_month
    from welcome_checkin w
    inner join student_status s on s.student_no = w.student_no
) t on left(t.entry_month, 4) = cast(extract(year from o.anchor_on) as varchar)
