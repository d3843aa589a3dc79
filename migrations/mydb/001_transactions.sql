-- Up Migration
create table transactions (
  id serial primary key,
  user_id int,
  amount decimal(10, 2),
  card_type varchar,
  merchant_id int,
  created_at timestamp default current_timestamp
);

-- Down Migration
drop table transactions;
