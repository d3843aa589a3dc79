-- Which alerts the profile rule demands, from public.transactions by SQL alone and in the order of ids, against those that a query found.
with judged as (
  select
    id,
    (amount * 100)::bigint as cents,
    count(*) over earlier as n,
    coalesce(sum((amount * 100)::bigint) over earlier, 0) as total
  from transactions
  where user_id is not null and amount is not null
  window earlier as (partition by user_id order by id rows between 50 preceding and 1 preceding)
),
expected as (
  select id from judged where cents > 50000 and n >= 3 and cents * n > 3 * total
),
found as (
  select transaction_id as id, count(*) as times from ({{found}}) as alerts group by transaction_id
)
select
  count(expected.id)::int as expected,
  count(found.id)::int as found,
  (count(*) filter (where found.id is null))::int as missing,
  (count(*) filter (where expected.id is null))::int as unexpected,
  coalesce(sum(found.times - 1), 0)::int as doubled
from expected full join found using (id)
