alter table ops.brake drop constraint brake_state_check;
alter table ops.brake add constraint brake_state_check check (state in ('tripped', 'requested', 'released', 'used', 'moot'));
alter table ops.brake add column closed_on date;
alter table ops.brake add column closed_run text references ops.run;
comment on column ops.brake.closed_run is '起因已不在、自行解除制动的运行';
