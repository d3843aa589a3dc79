import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { connectorDeclarations } from "../../shared/connectors/declarations.ts";
import { groups, topics } from "../../shared/kafka/topics.ts";
import { Packaged, type TemplateResource } from "./packaged.ts";

interface Statement {
  Effect: "Allow" | "Deny";
  Action: string[];
  Resource: unknown;
  Condition?: unknown;
}

const packaged = new Packaged("prod");
const minute = 60_000;

beforeAll(() => packaged.make(), 5 * minute);
afterAll(() => packaged.remove());

const functions = [
  "recordTemperature",
  "reportTemperature",
  "profileAgent",
  "velocityAgent",
  "forwardAlerts",
  "showActivity",
  "console",
  "prepareDatabase",
  "rotatePassword",
  "findBrokers",
];

const capitalised = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** The service's name in IAM of each client library. */
const serviceOf: Record<string, string> = {
  sns: "sns",
  "secrets-manager": "secretsmanager",
  kafka: "kafka",
  kafkaconnect: "kafkaconnect",
  lambda: "lambda",
};

/** The files of ours that end up in a function. */
async function sourcesOf(functionName: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(projectRoot, `functions/${functionName}/index.ts`)],
    absWorkingDir: projectRoot,
    bundle: true,
    platform: "node",
    format: "cjs",
    packages: "external",
    // The page, which runs in a browser.
    external: ["tripline:console-page"],
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  return Object.keys(metafile.inputs).filter((file) => !relative(projectRoot, file).includes("node_modules"));
}

/** The IAM actions of every command that the sources send: `new PublishCommand` of @aws-sdk/client-sns is sns:Publish. */
function actionsIn(files: string[]): Set<string> {
  const actions = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(projectRoot, file), "utf8");
    for (const [, names = "", client = ""] of text.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([\w-]+)"/g)) {
      for (const [, command] of names.matchAll(/(\w+)Command\b/g)) {
        // A topic takes several messages by the right to publish one.
        actions.add(`${serviceOf[client]}:${command === "PublishBatch" ? "Publish" : command}`);
      }
    }
    const signsIn = file.endsWith("/index.ts") ? /\bconnectPostgres\(/ : /\brdsToken\b/;
    if (file.startsWith("functions/") && signsIn.test(text)) actions.add("rds-db:connect");
  }
  return actions;
}

function statementsOf(functionName: string): Statement[] {
  const role = packaged.template.Resources[`${capitalised(functionName)}Role`] as TemplateResource;
  const policies = role.Properties["Policies"] as {
    PolicyDocument: { Statement: (Statement | { "Fn::If": unknown[] })[] };
  }[];
  return policies
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map((one) => ("Fn::If" in one ? (one["Fn::If"][1] as Statement) : one));
}

/** Lambda's own, and the mapping's. */
const isPlatform = (action: string) => /^(logs|kafka-cluster):/.test(action);
const mappingActions = ["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"];

describe.each(functions)("the role of %s", (functionName) => {
  test("allows exactly the actions that its code uses", async () => {
    const reads = Object.keys(packaged.template.Resources).some((id) =>
      id.startsWith(`${capitalised(functionName)}EventSourceMapping`),
    );
    const expected = actionsIn(await sourcesOf(functionName));
    if (reads) for (const action of mappingActions) expected.add(action);
    const allowed = statementsOf(functionName).flatMap(({ Action }) => Action);
    // Reading and writing what is encrypted with the key of the stack comes with the service that holds it.
    const used = allowed.filter((action) => !isPlatform(action) && !action.startsWith("kms:"));
    expect(new Set(used)).toEqual(expected);
  });

  test("lets Lambda decrypt the function's environment, and no other", () => {
    const statements = statementsOf(functionName);
    const own = statements.find(({ Condition }) => JSON.stringify(Condition)?.includes("aws:lambda"));
    expect(own).toMatchObject({ Action: ["kms:Decrypt"], Resource: { "Fn::GetAtt": ["Key", "Arn"] } });
    expect(JSON.stringify(own?.Condition)).toContain(`:function:tripline-prod-${functionName}"`);
    // And what else it decrypts, a service does for it.
    for (const each of statements) {
      if (each !== own && each.Action.includes("kms:Decrypt"))
        expect(JSON.stringify(each.Condition)).toContain("kms:ViaService");
    }
  });

  test("names what it is for, but for actions that know no resources", () => {
    const everything = statementsOf(functionName)
      .filter(({ Resource }) => Resource === "*")
      .flatMap(({ Action }) => Action);
    const knowNone = [
      "kafka:GetBootstrapBrokers",
      "kafkaconnect:ListConnectors",
      "lambda:ListEventSourceMappings",
      "secretsmanager:GetRandomPassword",
    ];
    for (const action of everything) expect(knowNone).toContain(action);
    for (const { Action } of statementsOf(functionName)) for (const action of Action) expect(action).not.toMatch(/\*/);
  });

  test("is the function's own, and lets Lambda alone take it on", () => {
    const lambda = packaged.template.Resources[`${capitalised(functionName)}LambdaFunction`];
    expect(lambda?.Properties["Role"]).toEqual({ "Fn::Sub": `\${${capitalised(functionName)}Role.Arn}` });
    const role = packaged.template.Resources[`${capitalised(functionName)}Role`];
    expect(role?.Properties["AssumeRolePolicyDocument"]).toMatchObject({
      Statement: [{ Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    });
  });
});

describe("the console", () => {
  const resourcesOf = (action: string) =>
    statementsOf("console")
      .filter(({ Action }) => Action.includes(action))
      .map((statement) => JSON.stringify(statement))
      .join();

  test("reads every topic, and writes where records were put aside from", () => {
    expect(resourcesOf("kafka-cluster:ReadData")).toContain(':topic/"');
    expect(resourcesOf("kafka-cluster:ReadData")).toContain('"/*"');
    const written = resourcesOf("kafka-cluster:WriteData");
    expect(written).toContain(`"/${topics.transactions.name}"`);
    expect(written.match(/:topic\//g)).toHaveLength(1);
  });

  test("sets the offsets of the groups that functions read as, and of no others", () => {
    const altered = resourcesOf("kafka-cluster:AlterGroup");
    for (const group of Object.values(groups)) expect(altered).toContain(`"/${group}"`);
    expect(altered.match(/:group\//g)).toHaveLength(Object.keys(groups).length);
  });

  test("makes, changes and deletes nothing else in Kafka", () => {
    const allowed = statementsOf("console").flatMap(({ Action }) => Action);
    expect(allowed.filter((action) => action.startsWith("kafka-cluster:")).sort()).toEqual(
      [
        "AlterGroup",
        "Connect",
        "DescribeCluster",
        "DescribeGroup",
        "DescribeTopic",
        "DescribeTopicDynamicConfiguration",
        "ReadData",
        "WriteData",
      ].map((action) => `kafka-cluster:${action}`),
    );
  });

  test("tells nothing to the connectors and mappings of another stack", () => {
    const connectors = resourcesOf("kafkaconnect:PauseConnector").matchAll(/:connector\/([^"]+)"/g);
    // And to those that have taken their place under another name.
    const names = Object.keys(connectorDeclarations).flatMap((connector) => [`${connector}/*`, `${connector}-*/*`]);
    expect([...connectors].map(([, name]) => name).sort()).toEqual(names.map((name) => `tripline-prod-${name}`).sort());
    const mappings = resourcesOf("lambda:UpdateEventSourceMapping");
    expect([...mappings.matchAll(/:function:([\w-]+)"/g)].map(([, name]) => name).sort()).toEqual(
      ["forwardAlerts", "profileAgent", "showActivity", "velocityAgent"].map((name) => `tripline-prod-${name}`),
    );
  });

  test("is asked by nobody whom API Gateway does not know", () => {
    const { Resources } = packaged.template;
    const routes = Object.values(Resources).filter(({ Type }) => Type === "AWS::ApiGatewayV2::Route");
    // By method, for a policy names what somebody may do by it.
    expect(routes.map(({ Properties }) => [Properties["RouteKey"], Properties["AuthorizationType"]])).toEqual([
      ["GET /", "AWS_IAM"],
      ["GET /{page+}", "AWS_IAM"],
      ["POST /api/{action+}", "AWS_IAM"],
    ]);
    expect(Resources["HttpApi"]?.Properties).not.toHaveProperty("CorsConfiguration");
    expect(Resources["ConsoleLambdaFunction"]?.Properties["Environment"]).toMatchObject({
      Variables: { CONSOLE_AUTHENTICATION: "iam", CONSOLE_READ_ONLY: "false" },
    });
  });
});

describe("a mapping", () => {
  test.each([
    ["profileAgent", topics.transactions.name, "fraud-profile-agent", topics.failedRecords.name],
    ["velocityAgent", topics.transactions.name, "fraud-velocity-agent", topics.failedRecords.name],
    ["forwardAlerts", topics.alerts.name, "alert-forwarder", undefined],
    ["showActivity", topics.activity.name, "activity-viewer", undefined],
  ])("of %s reads its topic in its group and writes nothing but failed records", (name, topic, group, failed) => {
    const allowed = (action: string) =>
      JSON.stringify(statementsOf(name).filter(({ Action }) => Action.includes(`kafka-cluster:${action}`)));
    expect(allowed("ReadData")).toContain(`"/${topic}"`);
    expect(allowed("AlterGroup")).toContain(`"/${group}"`);
    if (failed === undefined) expect(allowed("WriteData")).toBe("[]");
    else {
      expect(allowed("WriteData")).toContain(`"/${failed}"`);
      expect(allowed("WriteData")).not.toContain(`"/${topic}"`);
    }
    expect(allowed("CreateTopic")).toBe("[]");
  });
});
