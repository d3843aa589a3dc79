import type { Pool } from "../../../shared/postgres/index.ts";
import type { Overview } from "../api.ts";
import type { Connectors } from "../connect/connectors.ts";
import type { Route } from "../http/router.ts";
import { countWaiting } from "../kafka/failed-records.ts";
import { listGroups } from "../kafka/groups.ts";
import type { ConsoleKafka } from "../kafka/kafka.ts";
import { listTopics } from "../kafka/topics.ts";
import type { Mappings } from "../mappings/mappings.ts";
import { judgePath, pathGroups, pathTopics } from "./judge.ts";
import { AlertCounter, findSlots } from "./observe.ts";

/** A server that takes longer does not hold up what is known of the others. */
const patienceMs = 3_000;

export interface OverviewDependencies {
  readonly pool: Pool;
  readonly kafka: ConsoleKafka;
  readonly connectors: Connectors;
  readonly mappings: Mappings;
  readonly clock: () => Date;
  /** The connectors that should be there, by the names of their declarations. */
  readonly expected: readonly string[];
}

export function overviewRoutes(dependencies: OverviewDependencies): Route[] {
  const { pool, kafka, connectors, mappings, clock, expected } = dependencies;
  const counter = new AlertCounter(pool, clock);
  return [
    {
      method: "GET",
      path: "/api/overview",
      view: async (): Promise<Overview> => {
        const inPostgres = async () => ({ slots: await findSlots(pool), alerts: await counter.count() });
        // Asked once, for itself and for the groups.
        const listed = mappings.list();
        const [database, connectorList, topics, groups, mappingList, failedRecords] = await Promise.all([
          observed(inPostgres()),
          observed(connectors.list()),
          observed(listTopics(kafka, pathTopics)),
          observed(listGroups(kafka, { ...mappings, list: () => listed }, pathGroups)),
          observed(listed),
          observed(countWaiting({ kafka, pool })),
        ]);
        const [slots, alerts] = database instanceof Error ? [database, database] : [database.slots, database.alerts];
        const seen = { slots, alerts, connectors: connectorList, topics, groups, mappings: mappingList, failedRecords };
        return {
          at: clock().toISOString(),
          path: judgePath(seen, expected),
          minutes: alerts instanceof Error ? null : alerts.minutes,
          delay: alerts instanceof Error ? null : alerts.delay,
        };
      },
    },
  ];
}

/** What is found out, or why it is not, in time. */
async function observed<Seen>(work: Promise<Seen>): Promise<Seen | Error> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`No answer within ${patienceMs / 1_000} s.`)), patienceMs);
  });
  const asked = work.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
