import { setTimeout as sleep } from "node:timers/promises";

/** For what takes milliseconds, on a machine that is busy with something else. */
const WAIT_MS_MAX = 30_000;
const LOOK_AGAIN_MS = 10;

/** Resolves with what `probe` finds, once it finds something. */
export async function until<Found>(
  what: string,
  probe: () => Promise<Found | undefined> | Found | undefined,
  explain: () => unknown = () => "",
): Promise<Found> {
  for (const giveUpAtMs = Date.now() + WAIT_MS_MAX; ; ) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}. ${JSON.stringify(explain())}`);
    await sleep(LOOK_AGAIN_MS);
  }
}

/** As `until`, for a condition. */
export async function untilTrue(what: string, probe: () => boolean, explain?: () => unknown): Promise<void> {
  await until(what, () => probe() || undefined, explain);
}
