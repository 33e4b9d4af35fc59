create table ops.upload (
    upload_id bigint generated always as identity primary key,
    dataset text not null,
    as_of date not null,
    file_name text not null,
    sha256 text not null,
    bytes bigint not null,
    rows bigint,
    faulty bigint,
    state text not null check (state in ('taking', 'taken', 'refused')),
    error_code text,
    given_by text not null check (given_by <> ''),
    given_at timestamptz not null,
    reason text,
    stored text,
    fixes text,
    replaced_by bigint references ops.upload
);
create index upload_by_dataset on ops.upload (dataset, upload_id desc);
comment on table ops.upload is '上传回执:谁、何时、交来哪个文件(SHA-256),收下还是退回,被哪一次代替';
comment on column ops.upload.as_of is '业务日期:这份数据本应属于哪一天,可早于收到之日';
comment on column ops.upload.reason is '带着有问题的行收下的理由,由 given_by 具名';

create table ops.applied (
    applied_id bigint generated always as identity primary key,
    edge text not null,
    dataset text not null,
    version bigint not null,
    state text not null check (state in ('applied', 'refused')),
    rows bigint check (rows >= 0),
    acknowledged_by text not null check (acknowledged_by <> ''),
    acknowledged_at timestamptz not null,
    reason text check (state = 'applied' or reason <> '')
);
create index applied_by_edge on ops.applied (edge, dataset, applied_id desc);
comment on table ops.applied is '装入回告:接收方管理员把已送到的版本装入(或拒绝装入)自己系统(F05);只增不改';

create table ops.late (
    edge text not null,
    dataset text not null,
    due_on date not null,
    delivered_on date not null,
    delivery_id text primary key references ops.delivery,
    check (delivered_on > due_on)
);
comment on table ops.late is '迟到:应在 due_on 送出的数据到 delivered_on 才来,作为更正补送';

create function ops.append_only() returns trigger language plpgsql as $$
begin
    raise exception 'ops.% is append-only', tg_table_name;
end $$;
create trigger append_only before update or delete on ops.signoff for each row execute function ops.append_only();
create trigger append_only before update or delete on ops.applied for each row execute function ops.append_only();
