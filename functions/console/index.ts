import page from "tripline:console-page";
import { profileConfig } from "../../shared/agents/config.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { connectPostgres, postgresConfig } from "../../shared/postgres/index.ts";
import { alertRoutes } from "./alerts/routes.ts";
import { auditRoutes, postgresAudit } from "./audit.ts";
import { consoleOnAws } from "./aws.ts";
import { consoleConfig } from "./config.ts";
import { connectorRoutes } from "./connect/connectors.ts";
import { connectorsByRest } from "./connect/rest.ts";
import { createHandler } from "./handler.ts";
import { ConsoleKafka } from "./kafka/kafka.ts";
import { kafkaRoutes } from "./kafka/routes.ts";
import { localMappings } from "./mappings/local.ts";
import { mappingRoutes } from "./mappings/mappings.ts";
import { createPage } from "./page.ts";
import { overviewRoutes } from "./path/overview.ts";
import { sessionRoutes } from "./session.ts";
import { temperatureRoutes } from "./temperature/temperature.ts";

const config = consoleConfig();
const clock = () => new Date();
// Somebody waits in front of a page: better to be told soon that PostgreSQL does not answer.
const pool = connectPostgres(postgresConfig(), { limits: { connectTimeoutMs: 1_500, statementTimeoutMs: 8_000 } });
const onAws = config.authentication === "iam" ? consoleOnAws() : undefined;
const kafka = new ConsoleKafka(
  connectKafka({
    bootstrapServers: config.bootstrapServers,
    clientId: "tripline-console",
    ...(onAws === undefined ? {} : { authentication: "iam" }),
  }),
);
const connectors = onAws?.connectors ?? connectorsByRest(config.connectUrl as string);
const mappings = onAws?.mappings ?? localMappings(config.mappingsUrl as string);

export const handler = createHandler({
  authentication: config.authentication,
  readOnly: config.readOnly,
  page: createPage(page),
  audit: postgresAudit(pool),
  routes: [
    ...sessionRoutes(config),
    ...overviewRoutes({ pool, kafka, connectors, mappings, clock, expected: config.connectors }),
    ...alertRoutes(pool, profileConfig()),
    ...temperatureRoutes(pool, clock),
    ...kafkaRoutes({ kafka, mappings, pool }),
    ...connectorRoutes(connectors),
    ...mappingRoutes(mappings),
    ...auditRoutes(pool),
  ],
});
