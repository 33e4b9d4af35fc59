create schema hub;
create schema hub_current;
create schema hub_at;

create table ops.run (
    run_id text primary key,
    kind text not null,
    as_of date not null,
    scope text[] not null,
    state text not null check (state in ('running', 'done', 'failed')),
    started_at timestamptz not null,
    ended_at timestamptz
);
comment on table ops.run is '运行:一次夜间或手工运行';

create table ops.step (
    step_id bigint generated always as identity primary key,
    run_id text not null references ops.run,
    verb text not null,
    subject text not null,
    attempt int not null,
    state text not null check (state in ('running', 'done', 'failed', 'stopped', 'waiting')),
    input_hash text not null,
    output jsonb,
    error_code text,
    error jsonb,
    started_at timestamptz not null,
    ended_at timestamptz,
    unique (run_id, verb, subject, attempt)
);
create index step_by_input on ops.step (verb, subject, input_hash) where state = 'done';
create index step_by_subject on ops.step (verb, subject, step_id desc) where state = 'done';
comment on table ops.step is '步骤:每一步的输入、输出与结果';

create table ops.version (
    version bigint primary key,
    run_id text not null references ops.run,
    kind text not null check (kind in ('publish', 'rollback')),
    as_of date not null,
    published_at timestamptz not null,
    entities jsonb not null,
    rows_in bigint not null,
    rows_closed bigint not null,
    restores bigint
);
comment on table ops.version is '版本:公共数据库的每一次发布';

create table ops.absent (
    entity text not null,
    source_key text not null,
    run_id text not null references ops.run,
    primary key (entity, source_key)
);
comment on table ops.absent is '首次缺席:合同规定缺席两次才算离开的行';

create table ops.held (
    held_id bigint generated always as identity primary key,
    entity text not null,
    source_system text not null,
    source_key text not null,
    rule_id text not null,
    columns text not null,
    severity text not null check (severity in ('error', 'warning')),
    state text not null check (state in ('open', 'closed')),
    source_row bigint not null,
    kept_in text not null,
    first_run text not null references ops.run,
    first_seen date not null,
    last_run text not null references ops.run,
    last_seen date not null,
    times_seen int not null default 1,
    closed_run text references ops.run
);
create unique index held_open on ops.held (entity, source_system, source_key, rule_id) where state = 'open';
comment on table ops.held is '暂留:未通过检查的行及其原因';

create table ops.check_result (
    run_id text not null references ops.run,
    entity text not null,
    rule_id text not null,
    severity text not null,
    success boolean not null,
    result jsonb not null,
    primary key (run_id, entity, rule_id)
);
comment on table ops.check_result is '检查结果:Great Expectations 的原始结论(不含数据)';

create table ops.brake (
    brake_id bigint generated always as identity primary key,
    run_id text not null references ops.run,
    subject text not null,
    reason_code text not null,
    proposed jsonb not null,
    content_hash text not null,
    state text not null check (state in ('tripped', 'requested', 'released', 'used')),
    tripped_on date not null,
    requested_by text,
    reason text,
    approved_by text,
    expires_on date
);
create index brake_by_content on ops.brake (subject, content_hash);
comment on table ops.brake is '制动:超出合同限度的变更,待第二人放行';

create table ops.delivery (
    delivery_id text primary key,
    run_id text not null references ops.run,
    flow text not null,
    edge text not null,
    dataset text not null,
    source text not null,
    target text not null,
    from_version bigint not null,
    to_version bigint not null,
    mode text not null check (mode in ('full', 'delta')),
    rows_upsert bigint not null,
    rows_delete bigint not null,
    expected jsonb not null,
    received jsonb,
    content_hash text not null,
    folder text not null,
    as_of date not null,
    state text not null check (state in ('prepared', 'sent', 'accepted', 'refused', 'partly', 'abandoned')),
    prepared_at timestamptz not null,
    sent_at timestamptz,
    accepted_at timestamptz,
    reason text
);
create index delivery_by_edge on ops.delivery (edge, dataset, prepared_at desc);
comment on table ops.delivery is '交付:备好、已发、已收或被拒的每一次交付';

create table ops.accepted (
    edge text not null,
    dataset text not null,
    version bigint not null,
    delivery_id text not null references ops.delivery,
    accepted_at timestamptz not null,
    distrusted boolean not null default false,
    primary key (edge, dataset)
);
comment on table ops.accepted is '接收方已收到的版本';
comment on column ops.accepted.distrusted is '核对时发现接收方所存与此不符,下次整份重送';

create table ops.refused (
    edge text not null,
    dataset text not null,
    row_key text not null,
    reason text not null,
    delivery_id text not null references ops.delivery,
    primary key (edge, dataset, row_key)
);
comment on table ops.refused is '被接收方逐行拒收的行,随下次交付重送';

create table ops.signoff (
    signoff_id bigint generated always as identity primary key,
    delivery_id text not null references ops.delivery,
    edge text not null,
    dataset text not null,
    checked_by text not null,
    checked_at timestamptz not null,
    counts jsonb not null,
    mark text not null
);
comment on table ops.signoff is '技术员核查';
