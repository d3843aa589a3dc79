-- After a restore: puts back the transactions that were inserted since, from `lost`, which holds records of the topic in its column
-- `message`, in the order of `line`. Updates and deletes are not repeated: they may be what the restore was for.
begin;

insert into transactions
select row.*
from lost
cross join jsonb_populate_record(
  null::transactions,
  (message -> 'after') || jsonb_build_object(
    'created_at', timestamp 'epoch' + (message #>> '{after,created_at}')::bigint * interval '1 microsecond'
  )
) as row
where message ->> 'op' in ('c', 'r')
order by line
on conflict (id) do nothing;

-- An id that the agents have seen in the topic is a repetition to them, whatever is in its row. The room is for rows that were
-- committed and that Debezium had not read: nobody here knows their ids any more, but others may.
select setval('transactions_id_seq', 1000000 + greatest(
  (select last_value from transactions_id_seq),
  (select max(greatest((message #>> '{after,id}')::bigint, (message #>> '{before,id}')::bigint)) from lost)
));

-- What an environment of an agent still has in memory is of the time after the restored moment. It is read anew.
update fraud.progress set lineage = gen_random_uuid();

drop table lost;
commit;
