create table ops.external_person (
    person_no text primary key check (person_no ~ '^[A-Za-z0-9]{4}[0-9]{3}$'),
    name text not null,
    kind text not null check (kind in ('1', '2', '9')),
    unit_code text not null,
    valid_from date not null,
    valid_to date not null check (valid_to >= valid_from),
    linked_staff_no text,
    given_by text not null,
    given_at timestamptz not null,
    approved_by text check (approved_by <> given_by),
    approved_at timestamptz
);
comment on table ops.external_person is '其他人员编号:单位编号后四位加三位流水号,编号不重用(YWLC07/3)';

create table ops.person_decision (
    decision_id bigint generated always as identity primary key,
    number text not null,
    person_id text not null,
    other_person_id text,
    action text not null check (action in ('L', 'U')),
    reason text not null check (reason <> ''),
    decided_by text not null,
    decided_at timestamptz not null
);
create index person_decision_by_number on ops.person_decision (number, decision_id desc);
comment on table ops.person_decision is '认人决定:谁、何时、因何,把编号归于某人;只增不改';

create table ops.notice (
    notice_id bigint generated always as identity primary key,
    run_id text not null references ops.run,
    system_code text not null,
    from_version bigint not null,
    to_version bigint not null,
    gains bigint not null,
    losses bigint not null,
    file text not null,
    sha256 text not null,
    written_at timestamptz not null,
    unique (system_code, to_version)
);
comment on table ops.notice is '授权通知:给人工授权系统的增减清单(YWLC08/1、YWLC09/2)';
