create table ops.grant_confirmation (
    confirmation_id bigint generated always as identity primary key,
    uid text not null,
    system_code text not null,
    role_code text not null,
    scope_unit text not null,
    agrees boolean not null,
    remark text check (agrees or remark <> ''),
    confirmed_by text not null,
    confirmed_at timestamptz not null
);
create index grant_confirmation_by_uid on ops.grant_confirmation (uid, confirmation_id desc);
comment on table ops.grant_confirmation is '权限的本人确认:谁对哪一项权限说对或不对;只增不改(YWLC08/2、YWLC09/3)';
create trigger append_only before update or delete on ops.grant_confirmation for each row execute function ops.append_only();
