-- Up Migration
create table transactions (
  id serial primary key,
  user_id int,
  amount decimal(10, 2),
  card_type varchar,
  merchant_id int,
  created_at timestamp default current_timestamp
);

-- With the whole old row in a delete, Connect knows its user and routes it behind the user's other events.
alter table transactions replica identity full;

-- Down Migration
drop table transactions;
