create table ops.account (
    name text primary key check (name <> '' and name !~ '[[:space:]:,]'),
    plain text not null unique,
    role text not null check (role in ('technician', 'department', 'auditor', 'administrator', 'person')),
    systems text[] not null default '{}' check ((role = 'department') = (systems <> '{}')),
    person_no text check ((role = 'person') = (person_no is not null)),
    proof text not null default 'local',
    secret text check (proof <> 'local' or secret is not null),
    is_enabled boolean not null default true,
    failures int not null default 0,
    locked_until timestamptz,
    made_by text not null,
    made_at timestamptz not null
);
comment on table ops.account is '账号:谁可以登录、是什么角色;一人一个,写法不同的同一个名字不是两个人';
comment on column ops.account.plain is '去掉写法差别(全半角、大小写、空白、标点)的名字';
comment on column ops.account.proof is '由谁证明是本人:local 为本库的口令';
comment on column ops.account.secret is '口令的 argon2id 摘要';

create table ops.session (
    token_hash text primary key check (token_hash ~ '^[0-9a-f]{64}$'),
    account text not null references ops.account,
    begun_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > begun_at),
    ended_at timestamptz
);
create index session_by_account on ops.session (account) where ended_at is null;
comment on table ops.session is '登录:令牌只留摘要,到时自行失效';
