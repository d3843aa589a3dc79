import { connectKafka } from "../../shared/kafka/client.ts";
import { groups, topics } from "../../shared/kafka/topics.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { readJudged } from "../audit/verify.ts";
import type { Settings } from "../stack/settings.ts";

/** Where the path stands now. */
export interface Progress {
  judged: { profile: number; velocity: number };
  /** Messages in Kafka that the slower agent has not committed. */
  lagMessages: number;
  temperature: { celsius: number } | undefined;
}

/** Asks PostgreSQL and Kafka how far the agents are. */
export class ProgressReader {
  readonly #pool: Pool;
  readonly #admin;

  constructor(settings: Settings, pool: Pool) {
    this.#pool = pool;
    this.#admin = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-progress" }).admin();
  }

  async start(): Promise<void> {
    await this.#admin.connect();
  }

  async read(): Promise<Progress> {
    const [judged, temperature, lagMessages] = await Promise.all([
      readJudged(this.#pool),
      this.#temperature(),
      this.#lag(),
    ]);
    return { judged, temperature, lagMessages };
  }

  async #temperature(): Promise<Progress["temperature"]> {
    const { rows } = await this.#pool.query<{ temperature: number }>(
      "select temperature from temperature_readings order by recorded_at desc limit 1",
    );
    return rows[0] && { celsius: rows[0].temperature };
  }

  async #lag(): Promise<number> {
    const topic = topics.transactions.name;
    const [ends, ...committed] = await Promise.all([
      this.#admin.fetchTopicOffsets(topic),
      ...[groups.profile, groups.velocity].map((groupId) => this.#admin.fetchOffsets({ groupId, topics: [topic] })),
    ]);
    const lags = committed.map((group) => {
      const offsets = new Map(
        group.flatMap(({ partitions }) => partitions.map(({ partition, offset }) => [partition, Number(offset)])),
      );
      return ends.reduce(
        (sum, end) => sum + Number(end.high) - Math.max(Number(end.low), offsets.get(end.partition) ?? 0),
        0,
      );
    });
    return Math.max(...lags);
  }

  async stop(): Promise<void> {
    await this.#admin.disconnect();
  }
}
