-- R03: a registration through the green channel is valid to the end of its term at the latest, whatever date was entered; the
-- batch says how far the system's own calendar has come.
select
    cast(nullif(trim(s.student_no), '') as varchar) as student_no,
    cast(nullif(trim(s.school_year), '') as varchar) as school_year,
    cast(coalesce(term_map.code, trim(s.term)) as varchar) as term_code,
    cast(nullif(trim(s.batch_no), '') as varchar) as batch_no,
    cast(coalesce(state_code.code, trim(s.state)) as varchar) as state_code,
    cast(s.checkin_on as date) as checkin_on,
    cast(nullif(trim(s.checkin_operator), '') as varchar) as checkin_operator,
    cast(case trim(s.deferred) when '是' then true when '否' then false end as boolean) as deferred,
    cast(case trim(s.on_leave) when '1' then true when '0' then false end as boolean) as on_leave,
    cast(s.registered_on as date) as registered_on,
    cast(coalesce(basis_code.code, trim(s.basis)) as varchar) as basis,
    cast(s.basis_expires_on as date) as basis_expires_on,
    cast(nullif(trim(s.registered_by), '') as varchar) as registered_by,
    cast(nullif(trim(s.forced_reason), '') as varchar) as forced_reason,
    cast(nullif(trim(s.reason_not), '') as varchar) as reason_not,
    cast(nullif(trim(b.required_items), '') as varchar) as required_items,
    cast(coalesce(mode_code.code, trim(b.checkin_mode)) as varchar) as checkin_mode,
    cast(coalesce(b.current = '是', false) as boolean) as is_current_term,
    cast(coalesce(state_code.code, trim(s.state)) = '1' and coalesce(basis_code.code <> '2'
        or (s.basis_expires_on >= b.as_of and b.term_last >= b.as_of), false) as boolean) as is_valid,
    s.source_row as source_row
from registration.checkin_register s
left join registration.batch b on trim(b.batch_no) = trim(s.batch_no)
left join codes.map term_map
    on term_map.system = 'registration' and term_map.list = 'JY/XQ' and term_map.source_code = trim(s.term)
left join codes.map state_code
    on state_code.system = 'registration' and state_code.list = 'JY/ZCZK' and state_code.source_code = trim(s.state)
left join codes.map basis_code
    on basis_code.system = 'registration' and basis_code.list = 'HUB/REGISTRATION_BASIS' and basis_code.source_code = trim(s.basis)
left join codes.map mode_code
    on mode_code.system = 'registration' and mode_code.list = 'HUB/CHECKIN_MODE' and mode_code.source_code = trim(b.checkin_mode)
