-- Up Migration
create table activity (
  id serial primary key,
  name varchar(255) not null,
  email varchar(255)
);

-- Down Migration
drop table activity;
