create table ops.obligation (
    obligation_id bigint generated always as identity primary key,
    deadline text not null,
    occasion text not null,
    due_on date not null,
    departments text[] not null,
    state text not null check (state in ('expected', 'due_soon', 'met', 'late', 'missing')),
    needed bigint,
    found bigint,
    evidence jsonb not null,
    version bigint not null,
    as_of date not null,
    recorded_at timestamptz not null,
    confirmed_by text,
    note text
);
create index obligation_by_occasion on ops.obligation (deadline, occasion, obligation_id desc);
comment on table ops.obligation is '期限:每一场次状态的每一次变化与其证据,只增不改';

create table ops.refresh (
    system text not null,
    as_of date not null,
    looked int not null,
    changed int not null,
    failed int not null,
    seconds double precision not null,
    last_at timestamptz not null,
    last_error text,
    primary key (system, as_of)
);
comment on table ops.refresh is '刷新:每个来源每天看了几次、有变动几次、用了多少秒';

create table ops.latency (
    edge text not null,
    dataset text not null,
    version bigint not null,
    system text not null,
    run_id text not null references ops.run,
    changed_at timestamptz,
    seen_at timestamptz not null,
    accepted_at timestamptz not null,
    primary key (edge, dataset, version)
);
create index latency_by_acceptance on ops.latency (accepted_at desc);
comment on table ops.latency is '时延:一次变动从来源(水位,否则读取时刻)到接收方确认';

create table ops.alert (
    department text not null,
    as_of date not null,
    state text not null check (state in ('sent', 'not_sent', 'no_address')),
    points int not null,
    content_hash text not null,
    attempts int not null,
    reason text,
    tried_at timestamptz not null,
    sent_at timestamptz,
    primary key (department, as_of)
);
comment on table ops.alert is '通知:每个部门每天一份摘要,是否送到';
