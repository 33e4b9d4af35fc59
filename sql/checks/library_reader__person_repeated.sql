-- HUB/READER_STATE: 1 in force. A second card in force is told on both.
with repeated as (
    select person_no
    from library_reader
    where state_code = '1'
    group by person_no
    having count(*) > 1
)
select r.source_system, r.source_row
from library_reader r
join repeated on repeated.person_no = r.person_no
where r.state_code = '1'
