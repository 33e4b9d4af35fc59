-- FE-9: the prior debt = the lines of 缴费类别 5 on the bill of the next year, for students who have such a bill.
with prior as (
    select
        bill_line.student_no,
        bill_line.school_year,
        sum(case when bill_line.kind_code = '5' then bill_line.receivable else 0 end) as amount
    from bill_line
    group by bill_line.student_no, bill_line.school_year
)
select year_close.source_system, year_close.source_row
from year_close
join prior on prior.student_no = year_close.student_no
    and substring(prior.school_year, 1, 4) = substring(year_close.school_year, 6, 4)
where prior.amount <> year_close.carried_outstanding
