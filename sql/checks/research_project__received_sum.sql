with received as (
    select project_no, sum(received_amount) as amount
    from research_fund
    group by project_no
)
select p.source_system, p.source_row
from research_project p
join received on received.project_no = p.project_no
where received.amount > p.planned_total
