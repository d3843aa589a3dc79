import type { Agent, Finding, Memory } from "../../shared/agents/agent.ts";
import type { ByteWriter } from "../../shared/agents/bytes.ts";
import { agentHandler } from "../../shared/agents/handler.ts";
import type { Transaction } from "../../shared/agents/transaction.ts";
import { UserHistories } from "../../shared/agents/user-histories.ts";
import { connectPostgres } from "../../shared/postgres/index.ts";

/** Somebody who has stolen a card tries it with small payments first. */
const smallCentsMax = 20_00;
const smallPaymentsMin = 3;
const largeCentsMin = 1_000_00;

/** Alerts when a large payment follows at least three small ones of the same user. */
export const probingAgent: Agent = {
  name: "probing",
  ruleVersion: 1,
  needs: new Set(),
  create: () => new ProbingMemory(new UserHistories()),
  decode: (reader) => new ProbingMemory(UserHistories.decode(reader, Number.POSITIVE_INFINITY)),
};

/** The small payments that each user made in a row, in cents. */
class ProbingMemory implements Memory {
  readonly #small: UserHistories;

  constructor(small: UserHistories) {
    this.#small = small;
  }

  judge({ userId, amountCents }: Transaction): Finding | undefined {
    const small = this.#small.of(userId);
    if (amountCents <= smallCentsMax) {
      // More of them would prove nothing more, and a memory has to have an end.
      if (small.length < smallPaymentsMin) small.push(amountCents);
      return undefined;
    }
    const isSuspicious = amountCents >= largeCentsMin && small.length === smallPaymentsMin;
    const reason = { rule: "probing", smallCents: [...small] };
    small.length = 0;
    return isSuspicious ? { rule: reason.rule, reason } : undefined;
  }

  get bytes(): number {
    return this.#small.bytes;
  }

  encode(writer: ByteWriter): void {
    this.#small.encode(writer);
  }
}

export const handler = agentHandler(probingAgent, { pool: connectPostgres() });
