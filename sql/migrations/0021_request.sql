create table ops.request (
    request_id bigint generated always as identity primary key,
    kind text not null check (kind in ('rollback', 'number', 'waiver')),
    subject text not null,
    asked jsonb not null,
    content_hash text not null,
    reason text not null check (btrim(reason) <> ''),
    requested_by text not null references ops.account,
    requested_at timestamptz not null,
    approved_by text references ops.account,
    approved_at timestamptz,
    state text not null default 'open' check (state in ('open', 'approved', 'replaced')),
    constraint two_persons check (approved_by <> requested_by),
    constraint approved_whole check (
        (state = 'approved') = (approved_by is not null) and (approved_by is null) = (approved_at is null)
    )
);
create unique index request_open on ops.request (kind, subject) where state = 'open';
comment on table ops.request is '申请与批准:谁在何时因何申请、内容的摘要、另一人何时批准;申请人自己批准的,库里就不收';
comment on column ops.request.content_hash is '申请时内容的摘要,批准时不一样就不算数';

create function ops.request_kept() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.state <> 'open' or (old.kind, old.subject, old.asked, old.content_hash, old.reason, old.requested_by,
        old.requested_at) is distinct from (new.kind, new.subject, new.asked, new.content_hash, new.reason, new.requested_by,
        new.requested_at) then
        raise exception 'ops.request is append-only';
    end if;
    return new;
end $$;
create trigger kept before update or delete on ops.request for each row execute function ops.request_kept();

alter table ops.brake add constraint two_persons check (approved_by <> requested_by) not valid;
