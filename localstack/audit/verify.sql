-- Which alerts must exist, computed from public.transactions by SQL alone, against the alerts that do exist.
--
-- Parameter: $1, the settings of the rules as one JSON object (see verify.ts), which also fills audit_events.
--
-- Assumes that the rows of one user were committed in the order of their ids, that no row was changed or removed since
-- it was inserted, and that the settings have been the same since the first row.
with setting as (
  select * from jsonb_to_record($1::jsonb) as setting (
    profile_rule text, profile_version int, history int, history_minimum int, profile_above bigint, profile_threshold numeric,
    velocity_version int, window_seconds int, lateness_seconds int, count_above int, count_score int, velocity_above bigint, amount_score int,
    amex boolean, amex_score int, alert_above int
  )
),
-- What the agents cannot judge (no user, no amount or an absurd one) goes to the on-failure destination instead.
judged as materialized (
  select id, user_id, (amount * 100)::bigint as cents, created_at
  from transactions
  where user_id is not null and amount between 0 and 99999999.99
),
profile as (
  select
    id, user_id, cents,
    count(*) over earlier as n,
    coalesce(sum(cents) over earlier, 0) as total,
    coalesce(sum(cents::numeric * cents) over earlier, 0) as squares
  from judged
  window earlier as (
    partition by user_id order by id
    rows between (select history from setting) preceding and 1 preceding
  )
),
profile_expected as (
  select 'profile-' || profile_rule || '-v' || profile_version || '-' || id as alert_id, 'profile' as agent, id, user_id, cents
  from profile, setting
  where n >= history_minimum
    and cents > profile_above
    and case profile_rule
      when 'ratio' then cents * n > profile_threshold * total
      -- amount > mean + k × sample deviation, squared, so that nothing is rounded.
      else cents * n > total
        and (cents * n - total) ^ 2 * (n - 1) > profile_threshold ^ 2 * n * (n * squares - total ^ 2)
    end
),
-- audit_events holds what the velocity agent can judge.
scored as (
  select
    id, user_id, cents, created_at,
    -- The newest event of the user before this one.
    max(created_at) over (partition by user_id order by id rows between unbounded preceding and 1 preceding) as newest_before,
    case when cents > velocity_above then amount_score else 0 end
      + case when amex and card_type = 'AMEX' then amex_score else 0 end as score
  from audit_events, setting
),
velocity_expected as (
  select 'velocity-velocity-v' || velocity_version || '-' || id as alert_id, 'velocity' as agent, id, user_id, cents
  from scored, setting
  where score > alert_above
    -- The window is counted only where it can decide.
    or score + count_score > alert_above and count_above < (
      select count(*)
      from audit_events as event
      where event.user_id = scored.user_id
        and event.created_at between scored.created_at - make_interval(secs => window_seconds) and scored.created_at
        and event.id <= scored.id
        -- An event that was older than the lateness allows, seen from one that came since, is forgotten.
        and case
          when newest_before is null or newest_before <= event.created_at + make_interval(secs => window_seconds + lateness_seconds) then true
          else not exists (
            select from audit_events as since
            where since.user_id = event.user_id and since.id > event.id and since.id < scored.id
              and since.created_at > event.created_at + make_interval(secs => window_seconds + lateness_seconds)
          )
        end
    )
),
expected as (
  select * from profile_expected
  union all
  select * from velocity_expected
),
found as (
  select alert_id, agent, transaction_id, user_id, amount_cents,
         count(*) over (partition by agent, rule, rule_version, transaction_id) as times
  from fraud.alerts, setting
  where agent = 'profile' and rule = profile_rule and rule_version = profile_version
     or agent = 'velocity' and rule_version = velocity_version
),
compared as (
  select
    coalesce(found.alert_id, expected.alert_id) as alert_id,
    coalesce(found.agent, expected.agent) as agent,
    coalesce(found.transaction_id, expected.id) as transaction_id,
    coalesce(found.user_id, expected.user_id) as user_id,
    coalesce(found.amount_cents, expected.cents) as amount_cents,
    case
      when found.alert_id is null then 'missing'
      when expected.alert_id is null then 'unexpected'
      when found.times > 1 then 'duplicated'
      when (found.transaction_id, found.user_id, found.amount_cents) is distinct from (expected.id::bigint, expected.user_id, expected.cents)
        then 'unexpected'
      else 'good'
    end as verdict
  from found full join expected using (alert_id)
),
counted as (
  select verdict, agent, count(*) as alerts from compared group by verdict, agent
),
example as (
  select *, row_number() over (partition by verdict order by transaction_id) as place from compared where verdict <> 'good'
)
select
  (select count(*) from expected) as expected,
  (select count(*) from found) as found,
  (select count(*) from fraud.alerts where agent in ('profile', 'velocity')) - (select count(*) from found) as of_other_rules,
  coalesce((select jsonb_object_agg(agent, alerts) from (select agent, count(*) as alerts from expected group by agent) as each), '{}') as expected_by_agent,
  coalesce((select sum(alerts) from counted where verdict = 'missing'), 0)::bigint as missing,
  coalesce((select sum(alerts) from counted where verdict = 'unexpected'), 0)::bigint as unexpected,
  coalesce((select sum(alerts) from counted where verdict = 'duplicated'), 0)::bigint as duplicated,
  coalesce((select jsonb_agg(to_jsonb(example) - 'place') from example where place <= 5), '[]') as examples
