-- Where the agents of a restored database stand, as `kafka-consumer-groups --from-file` takes it: group, topic, partition, offset.
-- The group `restore` is for reading what was inserted since: all of it lies behind, for what was judged had been committed.
with standing as (
  select consumers, partition, coalesce(next_offset, 0) as next_offset
  from (values ('profile', 'fraud-profile-agent'), ('velocity', 'fraud-velocity-agent')) as reader (agent, consumers)
  -- Also partitions that an agent has not seen yet: its group may have been further.
  cross join generate_series(0, 7) as partition
  left join (select * from fraud.progress where topic = 'dbserver1.public.transactions') as progress using (agent, partition)
)
select consumers, 'dbserver1.public.transactions', partition, next_offset from standing
union all
select 'restore', 'dbserver1.public.transactions', partition, min(next_offset) from standing group by partition
order by 1, 3;
