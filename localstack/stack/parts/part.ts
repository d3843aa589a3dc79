import type { Settings } from "../settings.ts";

export type PartName = "postgres" | "kafka" | "connect" | "aws";

/** How to start one server. */
export interface Command {
  file: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** The user to run as, when root must not. */
  uid?: number;
  gid?: number;
}

/** One server of the native stack: how it is prepared, started, asked for its health and stopped. */
export interface Part {
  name: PartName;
  /** What a person calls it. */
  title: string;
  /** Every port it listens on; the first one is its address. */
  ports: (settings: Settings) => number[];
  /** Parts that must answer before this one is started. */
  needs: PartName[];
  /** What must be on disk before the first start. Runs before each start and does nothing the second time. */
  prepare: (settings: Settings) => Promise<Command>;
  /** Resolves when the server answers; rejects with why it does not. */
  check: (settings: Settings) => Promise<void>;
  /** The signal that asks it to stop in order. */
  stopSignal: NodeJS.Signals;
}
