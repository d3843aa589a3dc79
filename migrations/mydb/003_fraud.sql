-- Up Migration
create schema fraud;

-- What the agents found. It is also the outbox: Debezium carries each row to the forwarder.
create table fraud.alerts (
  alert_id text primary key,
  agent text not null,
  rule text not null,
  rule_version int not null,
  transaction_id bigint not null,
  user_id int not null,
  amount_cents bigint not null,
  reason jsonb not null,
  historical boolean not null,
  topic text not null,
  partition int not null,
  kafka_offset bigint not null,
  committed_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp()
);
create index alerts_created_at on fraud.alerts (created_at desc);
create index alerts_user on fraud.alerts (user_id, created_at desc);

-- The watermark: the next offset that an agent has not yet judged. Its row lock is what fences two environments.
create table fraud.progress (
  agent text not null,
  topic text not null,
  partition int not null,
  next_offset bigint not null default 0,
  lineage uuid not null default gen_random_uuid(),
  judged bigint not null default 0,
  repeated bigint not null default 0,
  ignored bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (agent, topic, partition)
);

-- The state of a partition as it was at next_offset.
create table fraud.checkpoints (
  agent text not null,
  topic text not null,
  partition int not null,
  next_offset bigint not null,
  state bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (agent, topic, partition)
);
alter table fraud.checkpoints alter column state set storage external;

-- What was judged since the checkpoint, one row a batch and partition; judging it again gives the state back.
create table fraud.changes (
  agent text not null,
  topic text not null,
  partition int not null,
  first_offset bigint not null,
  next_offset bigint not null,
  transactions bytea not null,
  primary key (agent, topic, partition, first_offset)
);

-- Which alert has reached which downstream system.
create table fraud.forwarded (
  alert_id text not null,
  channel text not null,
  forwarded_at timestamptz not null default clock_timestamp(),
  primary key (alert_id, channel)
);

-- Down Migration
drop schema fraud cascade;
