import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Agent, Finding, Memory } from "./agent.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { SeenIds } from "./seen.ts";
import type { Transaction } from "./transaction.ts";

const encodingVersion = 1;

/** All that an agent knows of one partition: what it remembers, and which transactions it has judged. */
export class PartitionState {
  readonly #memory: Memory;
  readonly #seen: SeenIds;

  private constructor(memory: Memory, seen: SeenIds) {
    this.#memory = memory;
    this.#seen = seen;
  }

  static empty(agent: Agent): PartitionState {
    return new PartitionState(agent.create(), new SeenIds());
  }

  /**
   * Judges a transaction once: one that was judged before, and was captured or snapshotted again, changes nothing.
   * The answer says which, and what was found.
   */
  apply(transaction: Transaction): { repeated: boolean; finding?: Finding | undefined } {
    if (!this.#seen.add(transaction.id)) return { repeated: true };
    return { repeated: false, finding: this.#memory.judge(transaction) };
  }

  encode(): Buffer {
    const writer = new ByteWriter();
    writer.unsigned(encodingVersion);
    this.#seen.encode(writer);
    this.#memory.encode(writer);
    return zstdCompressSync(writer.finish());
  }

  static decode(agent: Agent, bytes: Uint8Array): PartitionState {
    const reader = new ByteReader(zstdDecompressSync(bytes));
    const version = reader.unsigned();
    if (version !== encodingVersion) {
      throw new RangeError(
        `The checkpoint of agent ${agent.name} has version ${version}; this code reads ${encodingVersion}.`,
      );
    }
    const seen = SeenIds.decode(reader);
    return new PartitionState(agent.decode(reader), seen);
  }
}
