-- Public results with their first author.
select
    r.result_no,
    r.result_kind,
    r.project_no,
    r.name,
    r.author_no,
    a.name as author_name,
    r.published_on,
    r.published_in
from research_result r
left join staff a on a.staff_no = r.author_no
where r.source_system = 'research'
