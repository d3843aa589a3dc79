import type { Admin } from "kafkajs";

/** Nobody has asked for so long: whoever watches asks every few seconds. */
const IDLE_MS_MAX = 10_000;
/** A client keeps what it knows of a topic for minutes: partitions that were added are to be seen sooner. */
const AGE_MS_MAX = 30_000;

interface Kept {
  readonly admin: Promise<Admin>;
  readonly untilMs: number;
  /** Questions that have no answer yet. */
  asked: number;
}

/**
 * An admin client for questions that come again and again, as from somebody who watches the lag: connecting takes some fifty times as long
 * as the answer. It is let go of when nobody asks any more, when it is old, and when a question has failed.
 */
export class KeptAdmin {
  readonly #open: () => Promise<Admin>;
  #kept: Kept | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param open results in a connected client */
  constructor(open: () => Promise<Admin>) {
    this.#open = open;
  }

  async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    if (this.#kept !== undefined && Date.now() > this.#kept.untilMs) this.#letGo(this.#kept);
    this.#kept ??= { admin: this.#open(), untilMs: Date.now() + AGE_MS_MAX, asked: 0 };
    const kept = this.#kept;
    kept.asked++;
    try {
      return await question(await kept.admin);
    } catch (error) {
      this.#letGo(kept);
      throw error;
    } finally {
      kept.asked--;
      if (kept !== this.#kept) this.#endUnasked(kept);
      else if (kept.asked === 0) this.#idle = setTimeout(() => this.#letGo(kept), IDLE_MS_MAX).unref();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const kept = this.#kept;
    this.#kept = undefined;
    await end(kept);
  }

  /** Others may still wait for its answers. */
  #letGo(kept: Kept): void {
    if (kept !== this.#kept) return;
    clearTimeout(this.#idle);
    this.#kept = undefined;
    this.#endUnasked(kept);
  }

  #endUnasked(kept: Kept): void {
    if (kept.asked === 0) void end(kept);
  }
}

async function end(kept: Kept | undefined): Promise<void> {
  const admin = await kept?.admin.catch(() => undefined);
  await admin?.disconnect().catch(() => {});
}
