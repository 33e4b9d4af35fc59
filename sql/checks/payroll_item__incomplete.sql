-- SJGXLC04/3: a month's payroll is whole. With what the hub has of the month already it names at least 90 % of the persons of the
-- month before, and its sum is between 80 % and 250 % of that month's (a month of double pay is let through). Otherwise the file
-- is clearly not the month's payroll, and every row of the month is held. Where the file states its own totals, they are right to the
-- cent and to the person; a cell that cannot be read leaves them unproved.
with known as (
    select person_no, month, item_code, amount from payroll_item where length(month) = 6
    union all
    select s.person_no, s.month, s.item_code, s.amount
    from standing.payroll_item s
    left join payroll_item t on t.person_no = s.person_no and t.month = s.month and t.item_code = s.item_code
    where t.person_no is null
), months as (
    select month, count(distinct person_no) as persons, sum(amount) as amount from known group by month
), pairs as (
    select m.month, max(b.month) as before from months m join months b on b.month < m.month group by m.month
)
select p.source_system, p.source_row
from payroll_item p
left join pairs on pairs.month = p.month
left join months m on m.month = pairs.month
left join months b on b.month = pairs.before
left join (
    select month, count(distinct person_no) as persons, sum(amount) as amount, count(*) - count(amount) as unread,
        max(file_persons) as file_persons, max(file_amount) as file_amount
    from payroll_item
    group by month
) f on f.month = p.month
where f.file_persons <> f.persons or f.file_amount <> coalesce(f.amount, 0) or (f.file_amount is not null and f.unread > 0)
    or m.persons * 100 < b.persons * 90 or coalesce(m.amount, 0) * 100 < b.amount * 80 or m.amount * 100 > b.amount * 250
