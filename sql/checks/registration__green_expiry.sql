-- R03, YWLC04/7: 注册有效期限为一个学期.
select source_system, source_row
from registration
where state_code = '1' and basis = '2' and basis_expires_on is null
