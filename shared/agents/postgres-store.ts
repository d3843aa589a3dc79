import type { Alert } from "../alerts/index.ts";
import { inTransaction, type Pool, type PoolClient } from "../postgres/index.ts";
import {
  type Change,
  type Checkpoint,
  type FoldStore,
  type FoldTransaction,
  keyOf,
  type StoredChange,
  type TopicPartition,
  type Watermark,
} from "./store.ts";

/** The fold's storage in PostgreSQL: fraud.progress, fraud.checkpoints, fraud.changes and fraud.alerts. */
export function postgresStore(pool: Pool, agent: string): FoldStore {
  const known = new Set<string>();
  return {
    transaction: (work) => inTransaction(pool, (client) => work(new PostgresFoldTransaction(client, agent, known))),
  };
}

class PostgresFoldTransaction implements FoldTransaction {
  readonly #client: PoolClient;
  readonly #agent: string;
  /** Partitions whose watermark this environment has seen. */
  readonly #known: Set<string>;

  constructor(client: PoolClient, agent: string, known: Set<string>) {
    this.#client = client;
    this.#agent = agent;
    this.#known = known;
  }

  async lockWatermarks(partitions: readonly TopicPartition[]): Promise<Watermark[]> {
    // Rows that may be missing are made before any lock is taken: an insert waits for whoever is inserting the same row, and
    // who holds locks while waiting for each other waits for ever.
    if (partitions.some((each) => !this.#known.has(keyOf(each)))) await this.#insertWatermarks(partitions);
    let locked = await this.#selectWatermarks(partitions);
    if (locked.length < partitions.length) {
      // Known to be there, and gone: the table was emptied, or the transaction that made them was rolled back. Should this
      // insert wait for somebody who waits for it, PostgreSQL ends one of the two, and its batch is tried again.
      await this.#insertWatermarks(partitions);
      locked = await this.#selectWatermarks(partitions);
    }
    for (const each of partitions) this.#known.add(keyOf(each));
    return locked;
  }

  async #insertWatermarks(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#client.query(
      `insert into fraud.progress (agent, topic, partition)
       select $1, topic, partition from unnest($2::text[], $3::int[]) as wanted (topic, partition)
       order by topic, partition
       on conflict do nothing`,
      [this.#agent, ...columns(partitions)],
    );
  }

  async #selectWatermarks(partitions: readonly TopicPartition[]): Promise<Watermark[]> {
    // Always locked in the same order, so that two environments with overlapping batches cannot wait for each other.
    const { rows } = await this.#client.query<{
      topic: string;
      partition: number;
      next_offset: number;
      lineage: string;
    }>(
      `select topic, partition, next_offset, lineage
       from fraud.progress
       where agent = $1 and (topic, partition) in (select * from unnest($2::text[], $3::int[]))
       order by topic, partition
       for update`,
      [this.#agent, ...columns(partitions)],
    );
    return rows.map(({ topic, partition, next_offset: nextOffset, lineage }) => ({
      topic,
      partition,
      nextOffset,
      lineage,
    }));
  }

  async readCheckpoint({ topic, partition }: TopicPartition): Promise<Checkpoint | undefined> {
    const { rows } = await this.#client.query<{ next_offset: number; state: Buffer }>(
      "select next_offset, state from fraud.checkpoints where agent = $1 and topic = $2 and partition = $3",
      [this.#agent, topic, partition],
    );
    const row = rows[0];
    return row && { topic, partition, nextOffset: row.next_offset, state: row.state };
  }

  async readChanges({ topic, partition }: TopicPartition, fromOffset: number): Promise<StoredChange[]> {
    const { rows } = await this.#client.query<{ first_offset: number; next_offset: number; transactions: Buffer }>(
      `select first_offset, next_offset, transactions
       from fraud.changes
       where agent = $1 and topic = $2 and partition = $3 and first_offset >= $4
       order by first_offset`,
      [this.#agent, topic, partition, fromOffset],
    );
    return rows.map((row) => ({
      firstOffset: row.first_offset,
      nextOffset: row.next_offset,
      transactions: row.transactions,
    }));
  }

  async append(changes: readonly Change[], alerts: readonly Alert[]): Promise<number> {
    await this.#client.query(
      `with change as (
         select * from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bigint[])
           as change (topic, partition, first_offset, next_offset, transactions, judged, repeated, ignored)
       ), appended as (
         insert into fraud.changes (agent, topic, partition, first_offset, next_offset, transactions)
         select $1, topic, partition, first_offset, next_offset, transactions from change
       )
       update fraud.progress
       set next_offset = change.next_offset,
           judged = progress.judged + change.judged,
           repeated = progress.repeated + change.repeated,
           ignored = progress.ignored + change.ignored,
           updated_at = clock_timestamp()
       from change
       where progress.agent = $1 and progress.topic = change.topic and progress.partition = change.partition`,
      [
        this.#agent,
        ...columns(changes),
        changes.map((change) => change.firstOffset),
        changes.map((change) => change.nextOffset),
        changes.map((change) => Buffer.from(change.transactions)),
        changes.map((change) => change.judged),
        changes.map((change) => change.repeated),
        changes.map((change) => change.ignored),
      ],
    );
    let inserted = 0;
    for (const [topic, ofTopic] of Map.groupBy(alerts, (alert) => alert.topic)) {
      inserted += await this.#insertAlerts(topic, ofTopic);
    }
    return inserted;
  }

  async #insertAlerts(topic: string, alerts: readonly Alert[]): Promise<number> {
    const { rowCount } = await this.#client.query(
      `insert into fraud.alerts (alert_id, agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical,
                                 topic, partition, kafka_offset, committed_at)
       select alert_id, $1, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical,
              $2, partition, kafka_offset, 'epoch'::timestamptz + committed_at_micros * interval '1 microsecond'
       from unnest($3::text[], $4::text[], $5::int[], $6::bigint[], $7::int[], $8::bigint[], $9::jsonb[], $10::boolean[],
                   $11::int[], $12::bigint[], $13::bigint[])
         as alert (alert_id, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical,
                   partition, kafka_offset, committed_at_micros)
       on conflict (alert_id) do nothing`,
      [
        this.#agent,
        topic,
        alerts.map((alert) => alert.alertId),
        alerts.map((alert) => alert.rule),
        arrayLiteral(alerts.map((alert) => alert.ruleVersion)),
        arrayLiteral(alerts.map((alert) => alert.transactionId)),
        arrayLiteral(alerts.map((alert) => alert.userId)),
        arrayLiteral(alerts.map((alert) => alert.amountCents)),
        alerts.map((alert) => JSON.stringify(alert.reason)),
        arrayLiteral(alerts.map((alert) => alert.historical)),
        arrayLiteral(alerts.map((alert) => alert.partition)),
        arrayLiteral(alerts.map((alert) => alert.kafkaOffset)),
        arrayLiteral(alerts.map((alert) => alert.committedAtMicros)),
      ],
    );
    return rowCount ?? 0;
  }

  async writeCheckpoint({ topic, partition, nextOffset, state }: Checkpoint): Promise<void> {
    const key = [this.#agent, topic, partition];
    await this.#client.query(
      `insert into fraud.checkpoints (agent, topic, partition, next_offset, state)
       values ($1, $2, $3, $4, $5)
       on conflict (agent, topic, partition)
       do update set next_offset = excluded.next_offset, state = excluded.state, created_at = clock_timestamp()`,
      [...key, nextOffset, Buffer.from(state)],
    );
    await this.#client.query(
      "delete from fraud.changes where agent = $1 and topic = $2 and partition = $3 and next_offset <= $4",
      [...key, nextOffset],
    );
  }
}

function columns(partitions: readonly TopicPartition[]): [string[], number[]] {
  return [partitions.map(({ topic }) => topic), partitions.map(({ partition }) => partition)];
}

/** An array as PostgreSQL writes it. pg would ask of each element whether it needs quotes, which takes longer than judging it. */
function arrayLiteral(values: readonly (number | boolean)[]): string {
  return `{${values.join(",")}}`;
}
