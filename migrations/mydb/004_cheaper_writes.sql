-- Up Migration
-- An index on a time that only grows is cheapest to fill at its end; read backwards, it gives the newest first all the same.
drop index fraud.alerts_created_at;
create index alerts_created_at on fraud.alerts (created_at);

-- A user has few alerts: which of them are the newest is sorted in no time, and the index is half as large.
drop index fraud.alerts_user;
create index alerts_user on fraud.alerts (user_id);

-- Numbers of a byte or two, which PostgreSQL would try to compress, in vain.
alter table fraud.changes alter column transactions set storage external;

-- Down Migration
alter table fraud.changes alter column transactions set storage extended;
drop index fraud.alerts_created_at;
create index alerts_created_at on fraud.alerts (created_at desc);
drop index fraud.alerts_user;
create index alerts_user on fraud.alerts (user_id, created_at desc);
