import type { Kafka } from "kafkajs";
import type { Settings } from "../../localstack/stack/settings.ts";
import type { Child, ChildEvent } from "../children.ts";
import type { AgentName } from "../reference.ts";
import type { Topic } from "../topic.ts";

/** What a contestant may use. */
export interface Ground {
  /** Of the benchmark's broker and PostgreSQL. */
  readonly settings: Settings;
  readonly kafka: Kafka;
  readonly signal: AbortSignal;
  /** Says what takes long. */
  readonly progress: (text: string) => void;
}

/** One drain of a topic. */
export interface Drain {
  readonly topic: Topic;
  readonly agents: readonly AgentName[];
  /** In the names of groups, topics and files: no two drains have the same. */
  readonly id: string;
  /** Has to be told of what the processes write. A first record is `{ event: "first" }`. */
  readonly onEvent: (event: ChildEvent) => void;
}

/** A contestant at work. */
export interface RunningDrain {
  readonly processes: readonly Child[];
  /** How many records each agent has dealt with for good: what a crash now would not take back, where it promises that. */
  done(): Promise<readonly number[]>;
  /** Ids of the transactions that it raised alerts for. Asked for when all is done. */
  alerts(agent: AgentName): Promise<Iterable<number>>;
  /** Ends its processes and removes what it left. */
  end(): Promise<void>;
}

/** Something that can run the agents. Its file has the whole recipe. */
export interface Contestant {
  /** As `--only` has it. */
  readonly name: string;
  readonly title: string;
  /** Installs or builds what it needs. The second time it only looks. */
  prepare(ground: Ground): Promise<void>;
  /** Returns when its processes have been started. */
  start(ground: Ground, drain: Drain): Promise<RunningDrain>;
}
