alter table ops.obligation drop constraint obligation_state_check;
alter table ops.obligation add constraint obligation_state_check
    check (state in ('expected', 'due_soon', 'met', 'late', 'missing', 'unseen', 'off'));
