import type { Dice } from "../dice.ts";
import type { TimedTransaction } from "../load.ts";
import { type Fault, nothingToMend } from "./fault.ts";

/** Users that nobody else has: what is in their windows is known, also the next time. */
const users = { first: 1_000_000, last: 1_000_000_000 };
const usersAtOnce = 40;
const eventsPerUser = 30;
const microsPerSecond = 1_000_000;

/** From the newest event of a user, in microseconds: around the window's edge, and never more than a window behind. */
const edges = [
  -60_000_000, -59_999_999, -30_000_000, -1, 0, 0, 1, 1_000_000, 59_999_999, 60_000_000, 60_000_001, 3_600_000_000,
] as const;
/** Around the edge of what an agent remembers, and far behind it. */
const lateEdges = [-60_000_001, -119_999_999, -120_000_000, -120_000_001, -300_000_000, -3_600_000_000] as const;

function clocks(name: string, does: string, steps: readonly number[]): Fault {
  return {
    name,
    does,
    touches: [],
    lastsMs: [0, 0],
    strike: async (system, dice) => {
      await system.load.insert(rowsOf(dice, steps));
      return nothingToMend;
    },
  };
}

/** Of all users, mixed, each user's in order. */
export function rowsOf(
  dice: Dice,
  steps: readonly number[] = edges,
  startMicros = Date.now() * 1_000,
): TimedTransaction[] {
  const newest = new Map<number, number>();
  const chosen = Array.from({ length: usersAtOnce }, () => dice.between(users.first, users.last));
  return Array.from({ length: usersAtOnce * eventsPerUser }, () => {
    const userId = dice.pick(chosen) ?? users.first;
    const last = newest.get(userId);
    // Near the newest event most of the time: only a full window tells whether its edge is where it should be.
    const step = dice.next() < 0.5 ? dice.between(0, 3) * microsPerSecond : (dice.pick(steps) ?? 0);
    const createdAtMicros = last === undefined ? startMicros : last + step;
    newest.set(userId, Math.max(last ?? 0, createdAtMicros));
    return { userId, amountCents: dice.between(500, 500_000), createdAtMicros };
  });
}

export const timing: readonly Fault[] = [
  clocks(
    "clocks",
    "rows whose created_at jumps around the window's edge, back by up to 60 s and ahead by up to an hour",
    edges,
  ),
  clocks("late-clocks", "the same, and back by minutes, to where an agent has forgotten what was", [
    ...edges,
    ...lateEdges,
  ]),
];
