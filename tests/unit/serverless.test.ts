import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { groups, topics } from "../../shared/kafka/topics.ts";
import { users } from "../../shared/postgres/users.ts";

interface Mapping {
  arn: string;
  topic: string;
  consumerGroupId: string;
}

interface FunctionDeclaration {
  handler: string;
  role: string;
  environment?: Record<string, string>;
  events?: { msk?: Mapping; schedule?: string }[];
}

interface Service {
  functions: Record<string, FunctionDeclaration>;
  params: { local: { clusterArn: string } };
  custom: {
    mapping: unknown;
    agentMapping: unknown;
    extensions: Record<string, unknown>;
    users: Record<string, Record<string, string>>;
  };
}

/** The framework's own names for what it generates. */
interface Naming {
  getMSKEventLogicalId(functionName: string, clusterName: string, topicName: string): string;
}

const root = join(import.meta.dirname, "../..");
// CloudFormation's tags (!Ref) are unknown to the parser, which takes them for what they stand on.
const service = parse(readFileSync(join(root, "serverless.yml"), "utf8"), { logLevel: "error" }) as Service;
const framework = createRequire(import.meta.url);
const naming = framework("serverless/lib/plugins/aws/lib/naming.js") as Naming;
const clusterName = framework(
  "serverless/lib/plugins/aws/package/compile/events/msk/get-msk-cluster-name-token.js",
) as (arn: string) => string;

const mappings = Object.entries(service.functions).flatMap(([name, { events = [] }]) =>
  events.flatMap(({ msk }) => (msk === undefined ? [] : [{ name, ...msk }])),
);

/** What a variable of the file (self:…, param:…) stands for on a laptop; any other value as it is. */
function resolved(value: unknown): unknown {
  const [, source, path] = /^\$\{(self|param):([\w.]+)\}$/.exec(String(value)) ?? [];
  if (path === undefined) return value;
  return path
    .split(".")
    .reduce<unknown>(
      (found, key) => (found as Record<string, unknown>)[key],
      source === "self" ? service : service.params.local,
    );
}

describe("the functions", () => {
  test.each(Object.entries(service.functions))("%s has its handler where it is said to be", (name, { handler }) => {
    expect(handler).toBe(`functions/${name}/index.handler`);
    expect(existsSync(join(root, `functions/${name}/index.ts`))).toBe(true);
  });

  // The role is made by resources/roles.ts, under this name.
  test.each(Object.entries(service.functions))("%s has a role of its own", (name, { role }) => {
    expect(role).toBe(`\${${name[0]?.toUpperCase()}${name.slice(1)}Role.Arn}`);
  });

  test("sign in to PostgreSQL on AWS as users who are made there, and on a laptop as postgres", () => {
    const { local, aws } = service.custom.users;
    const { capture: _, ...expected } = users;
    expect(aws).toEqual(expected);
    expect(local).toEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, "postgres"])));
  });

  test("are those that have a folder", () => {
    const folders = readdirSync(join(root, "functions"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(Object.keys(service.functions).sort()).toEqual(folders.sort());
  });

  test("of the temperature path run by the clock, each minute and each ten", () => {
    expect(service.functions["recordTemperature"]?.events).toEqual([{ schedule: "rate(1 minute)" }]);
    expect(service.functions["reportTemperature"]?.events).toEqual([{ schedule: "rate(10 minutes)" }]);
  });
});

describe("the mappings", () => {
  test("read the topics that are declared, each in a group of its own", () => {
    const read = Object.fromEntries(
      mappings.map(({ name, topic, consumerGroupId }) => [name, [topic, consumerGroupId]]),
    );
    expect(read).toEqual({
      profileAgent: [topics.transactions.name, groups.profile],
      velocityAgent: [topics.transactions.name, groups.velocity],
      forwardAlerts: [topics.alerts.name, groups.forwarder],
      showActivity: [topics.activity.name, groups.activity],
    });
  });

  // An extension under another name changes nothing on AWS, or fails the deployment.
  test("are extended under the names that the framework generates, and nothing else is", () => {
    const generated = mappings.map(({ name, arn, topic }) =>
      naming.getMSKEventLogicalId(name, clusterName(String(resolved(arn))), topic),
    );
    const extended = Object.keys(service.custom.extensions).filter((id) => id.includes("EventSourceMapping"));
    expect(extended.sort()).toEqual(generated.sort());
  });

  test.each(Object.keys(service.custom.extensions))("%s waits for no company and reports single failures", (id) => {
    expect(resolved(service.custom.extensions[id])).toMatchObject({
      Properties: { MaximumBatchingWindowInSeconds: 0, FunctionResponseTypes: ["ReportBatchItemFailures"] },
    });
  });

  test("put aside what an agent cannot judge, in a topic that is declared, and wait for what cannot be forwarded", () => {
    const propertiesOf = (name: string) => {
      const id = Object.keys(service.custom.extensions).find((one) => one.startsWith(name));
      return (resolved(service.custom.extensions[id ?? ""]) as { Properties: Record<string, unknown> }).Properties;
    };
    for (const agent of ["ProfileAgent", "VelocityAgent"]) {
      expect(propertiesOf(agent)).toMatchObject({
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: 3,
        DestinationConfig: { OnFailure: { Destination: `kafka://${topics.failedRecords.name}` } },
      });
    }
    expect(propertiesOf("ForwardAlerts")).not.toHaveProperty("MaximumRetryAttempts");
  });
});
