import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
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

  /** Notes a transaction. False when it was judged before, and is captured or snapshotted again: it must change nothing. */
  admit(transaction: Transaction): boolean {
    return this.#seen.add(transaction.id);
  }

  /** Judges a transaction that was admitted. */
  judge(transaction: Transaction): Finding | undefined {
    return this.#memory.judge(transaction);
  }

  /** What it takes in main memory. */
  get bytes(): number {
    return this.#seen.bytes + this.#memory.bytes;
  }

  encode(): Buffer {
    const writer = new ByteWriter();
    writer.unsigned(encodingVersion);
    this.#seen.encode(writer);
    this.#memory.encode(writer);
    return zstdCompressSync(writer.finish(), { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
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
