-- Up Migration
create schema console;

-- What somebody has said of an alert; one that nobody has spoken of is open, and has no row.
create table console.cases (
  alert_id text primary key,
  status text not null check (status in ('acknowledged', 'false_positive')),
  note text not null default '',
  actor text not null,
  changed_at timestamptz not null default clock_timestamp()
);

-- Who did what in the console.
create table console.audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  action text not null,
  target text not null,
  detail jsonb not null,
  outcome text not null
);

-- Which failed records were written to their topic again, by their place in the topic of failed records. The time tells them from those of a
-- topic that was made anew.
create table console.redriven (
  partition int not null,
  kafka_offset bigint not null,
  failed_at timestamptz not null,
  actor text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (partition, kafka_offset, failed_at)
);

-- Down Migration
drop schema console cascade;
