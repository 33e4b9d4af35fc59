-- Money received by public projects.
select
    f.fund_no,
    f.project_no,
    f.received_on,
    f.received_amount,
    f.fund_source_code
from research_fund f
where f.source_system = 'research'
