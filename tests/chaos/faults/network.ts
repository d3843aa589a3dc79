import type { Fault } from "./fault.ts";

/** Between the functions and a server. Longer than a consumer's session where a group is concerned. */
function cut(server: "postgres" | "kafka"): Fault {
  return {
    name: `cut-${server}`,
    does: `every connection between the functions and ${server} breaks, and new ones are refused for a while`,
    touches: ["network"],
    lastsMs: [1_000, 6_000],
    strike: async ({ proxies }) => {
      const proxy = proxies[server];
      await proxy.refuse();
      proxy.cut();
      return () => proxy.accept();
    },
  };
}

function stall(server: "postgres" | "kafka", lastsMs: Fault["lastsMs"]): Fault {
  return {
    name: `stall-${server}`,
    does: `connections between the functions and ${server} stay open, and nothing moves through them`,
    touches: ["network"],
    lastsMs,
    strike: async ({ proxies }) => {
      proxies[server].stall();
      return async () => proxies[server].flow();
    },
  };
}

const loseAnswers: Fault = {
  name: "lose-answers",
  does: "PostgreSQL does what the functions say, COMMIT included, and its answers are lost with the connections",
  touches: ["network"],
  lastsMs: [300, 1_500],
  strike: async ({ proxies: { postgres } }) => {
    postgres.stall("answers");
    return async () => {
      postgres.cut();
      postgres.flow();
    };
  },
};

export const network: readonly Fault[] = [
  cut("postgres"),
  cut("kafka"),
  // Up to more than a statement and the silence after it may take (shared/postgres/pool.ts): 35 s.
  stall("postgres", [4_000, 40_000]),
  stall("kafka", [12_000, 15_000]),
  loseAnswers,
];
