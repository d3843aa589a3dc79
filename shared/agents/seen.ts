import type { ByteReader, ByteWriter } from "./bytes.ts";

/** Ids that share a bitmap: 65,536 of them in 8 KB. */
const idsPerChunk = 65_536;
const chunkBytes = idsPerChunk / 8;

/** How many bitmaps a partition keeps: 2 MB, and the 16.7 million highest ids where there are no gaps. */
export const chunksMax = 256;

/**
 * The transactions that a partition has judged. Kafka's offsets show a batch that is delivered twice, but not a row that
 * is captured twice: Connect sends again what it had not noted down when it was killed, and a new snapshot sends the whole
 * table, all at new offsets.
 *
 * Bounded: when the bitmaps are used up, the one with the lowest ids goes, and ids as low as those count as judged. A row
 * that appears for the first time when 16 million higher ones are known would be taken for a repetition.
 */
export class SeenIds {
  readonly #chunks = new Map<number, Uint8Array>();
  /** Chunks below this one were given up. */
  #firstKept = 0;
  /** The chunk of the last id: ids come in order, nearly. */
  #last: { readonly index: number; readonly chunk: Uint8Array } = { index: -1, chunk: new Uint8Array(0) };

  /** Notes the id. False when it was there already. */
  add(id: number): boolean {
    const index = Math.floor(id / idsPerChunk);
    const chunk = index === this.#last.index ? this.#last.chunk : this.#chunkAt(index);
    if (chunk === undefined) return false;
    const bit = id % idsPerChunk;
    const mask = 1 << (bit & 7);
    const byte = chunk[bit >> 3] ?? 0;
    if ((byte & mask) !== 0) return false;
    chunk[bit >> 3] = byte | mask;
    return true;
  }

  #chunkAt(index: number): Uint8Array | undefined {
    if (index < this.#firstKept) return undefined;
    const chunk = this.#chunks.get(index) ?? this.#newChunk(index);
    if (chunk !== undefined) this.#last = { index, chunk };
    return chunk;
  }

  #newChunk(index: number): Uint8Array | undefined {
    if (this.#chunks.size === chunksMax) {
      const lowest = Math.min(index, ...this.#chunks.keys());
      this.#chunks.delete(lowest);
      this.#firstKept = lowest + 1;
      if (this.#last.index === lowest) this.#last = { index: -1, chunk: this.#last.chunk };
      if (lowest === index) return undefined;
    }
    const chunk = new Uint8Array(chunkBytes);
    this.#chunks.set(index, chunk);
    return chunk;
  }

  get bytes(): number {
    return this.#chunks.size * chunkBytes;
  }

  encode(writer: ByteWriter): void {
    writer.unsigned(this.#firstKept);
    writer.unsigned(this.#chunks.size);
    for (const [index, chunk] of this.#chunks) {
      writer.unsigned(index);
      writer.bytes(chunk);
    }
  }

  static decode(reader: ByteReader): SeenIds {
    const seen = new SeenIds();
    seen.#firstKept = reader.unsigned();
    // Copies: a view would keep the whole checkpoint in memory.
    for (let count = reader.unsigned(); count > 0; count--) {
      seen.#chunks.set(reader.unsigned(), Uint8Array.from(reader.bytes()));
    }
    return seen;
  }
}
