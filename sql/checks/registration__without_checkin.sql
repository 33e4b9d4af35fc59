-- R01, YWLC04/7: 学生现场报到后才能注册.
select source_system, source_row
from registration
where state_code = '1' and (checkin_on is null or registered_on < checkin_on)
