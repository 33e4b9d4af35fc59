-- SJGXLC15/1: everything that the leaving system gets from 教务, 研究生 and 人事 was accepted on the day two weeks before leaving.
select
    cast(count(distinct r.edge || r.dataset) as bigint) as needed,
    cast(count(distinct case when r.accepted_on = o.due_on then r.edge || r.dataset end) as bigint) as found,
    cast(
        count(distinct r.edge || r.dataset) > 0
        and count(distinct case when r.accepted_on = o.due_on then r.edge || r.dataset end)
        = count(distinct r.edge || r.dataset) as boolean
    ) as met,
    cast(
        'datasets=' || cast(count(distinct r.edge || r.dataset) as varchar) || ' accepted_on_the_day='
        || cast(count(distinct case when r.accepted_on = o.due_on then r.edge || r.dataset end) as varchar) as varchar
    ) as evidence
from occasion o
left join receipt r on r.target = 'leaving' and r.source in ('hr', 'academic', 'graduate')
