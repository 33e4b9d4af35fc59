alter table ops.held add column authority text;
create index held_by_authority on ops.held (authority) where authority is not null;
comment on column ops.held.authority is '抄录与权威不一致时的权威系统;两边都看得到这一条';
