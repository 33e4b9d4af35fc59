alter table ops.brake add column requested_at timestamptz;
alter table ops.brake add column approved_at timestamptz;
comment on column ops.brake.requested_at is '申请放行的时刻';
comment on column ops.brake.approved_at is '批准放行的时刻';

create table ops.journal (
    entry_id bigint generated always as identity primary key,
    kind text not null check (kind in ('brake', 'upload', 'delivery', 'version')),
    subject text not null,
    facts jsonb,
    at timestamptz not null,
    mark text not null
);
create index journal_by_subject on ops.journal (kind, subject, entry_id desc);
comment on table ops.journal is '流水:制动的决定、上传、交付与版本的每一次登记;只增不改,每条的记号连着前一条';
comment on column ops.journal.facts is '登记的内容,空表示那一行被删去';
create trigger append_only before update or delete on ops.journal for each row execute function ops.append_only();

create function ops.journal_facts(kind text, told jsonb) returns jsonb language sql immutable as $$
    select jsonb_object_agg(key, value) from jsonb_each(told) where key = any(case kind
        when 'brake' then array['run_id', 'subject', 'reason_code', 'requested_by', 'requested_at', 'reason', 'approved_by',
            'approved_at', 'expires_on']
        when 'upload' then array['dataset', 'as_of', 'file_name', 'sha256', 'bytes', 'rows', 'faulty', 'given_by', 'given_at',
            'reason', 'stored']
        when 'delivery' then array['run_id', 'from_version', 'to_version', 'mode', 'rows_upsert', 'rows_delete', 'content_hash',
            'received', 'accepted_at']
        else array['run_id', 'kind', 'as_of', 'published_at', 'entities', 'rows_in', 'rows_closed', 'restores']
    end)
$$;

create function ops.journal_entry(entry_kind text, entry_subject text, entry_facts jsonb) returns void language plpgsql as $$
declare
    before text;
    moment timestamptz := clock_timestamp();
begin
    perform pg_advisory_xact_lock(hashtext('ops.journal'));
    select mark into before from ops.journal order by entry_id desc limit 1;
    insert into ops.journal (kind, subject, facts, at, mark)
    values (entry_kind, entry_subject, entry_facts, moment, encode(sha256(convert_to(concat_ws(chr(31), coalesce(before, ''),
        entry_kind, entry_subject, coalesce(entry_facts::text, ''), (moment at time zone 'UTC')::text), 'UTF8')), 'hex'));
end $$;

create function ops.journal_write() returns trigger language plpgsql as $$
declare
    facts_before jsonb;
    facts_now jsonb;
begin
    if tg_op <> 'INSERT' then
        facts_before := ops.journal_facts(tg_argv[0], to_jsonb(old));
    end if;
    if tg_op <> 'DELETE' then
        facts_now := ops.journal_facts(tg_argv[0], to_jsonb(new));
    end if;
    if facts_before is distinct from facts_now then
        perform ops.journal_entry(tg_argv[0], case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end ->> tg_argv[1],
            facts_now);
    end if;
    return null;
end $$;

create function ops.brake_times() returns trigger language plpgsql as $$
begin
    if new.requested_by is not null and (old.requested_by, old.reason) is distinct from (new.requested_by, new.reason) then
        new.requested_at := clock_timestamp();
    end if;
    if new.approved_by is distinct from old.approved_by and new.approved_by is not null and old.approved_by is null then
        new.approved_at := clock_timestamp();
    end if;
    return new;
end $$;
create trigger brake_times before update on ops.brake for each row execute function ops.brake_times();

select ops.journal_entry('brake', brake_id::text, ops.journal_facts('brake', to_jsonb(b))) from ops.brake b order by brake_id;
select ops.journal_entry('upload', upload_id::text, ops.journal_facts('upload', to_jsonb(u))) from ops.upload u order by upload_id;
select ops.journal_entry('delivery', delivery_id, ops.journal_facts('delivery', to_jsonb(d)))
from ops.delivery d order by prepared_at, delivery_id;
select ops.journal_entry('version', version::text, ops.journal_facts('version', to_jsonb(v))) from ops.version v order by version;

create trigger journal after insert or update or delete on ops.brake
    for each row execute function ops.journal_write('brake', 'brake_id');
create trigger journal after insert or update or delete on ops.upload
    for each row execute function ops.journal_write('upload', 'upload_id');
create trigger journal after insert or update or delete on ops.delivery
    for each row execute function ops.journal_write('delivery', 'delivery_id');
create trigger journal after insert or update or delete on ops.version
    for each row execute function ops.journal_write('version', 'version');
