-- Up Migration
create table temperature_readings (
  id serial primary key,
  sensor_id varchar(50),
  temperature double precision,
  recorded_at timestamp default now()
);
create index temperature_readings_recorded_at on temperature_readings (recorded_at);

-- One row for a sensor and a window, so that a report that is run twice is stored once.
create table temperature_reports (
  sensor_id varchar(50) not null,
  window_start timestamp not null,
  window_end timestamp not null,
  average double precision not null,
  minimum double precision not null,
  maximum double precision not null,
  readings int not null,
  primary key (sensor_id, window_start, window_end)
);

-- Down Migration
drop table temperature_reports;
drop table temperature_readings;
