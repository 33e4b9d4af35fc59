alter table ops.delivery add column rows_scope bigint;
comment on column ops.delivery.rows_scope is '接收方收下这次交付后应有的行数;空为当时未计';
