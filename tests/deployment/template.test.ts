import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { linters } from "./linters.ts";
import { Packaged, sls } from "./packaged.ts";

const minute = 60_000;
jest.setTimeout(5 * minute);

const run = promisify(execFile);
let bin: string;

beforeAll(async () => {
  bin = await linters();
}, 10 * minute);

/** What a command says, and with which exit code. */
async function outcome(command: string, args: string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout } = await run(join(bin, command), args, { maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

interface Statement {
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

/** Those of a policy, whatever they hang on. */
function statementsOf(policy: unknown): Statement[] {
  const { Statement } = policy as { Statement: (Statement | { "Fn::If": [string, Statement, unknown] })[] };
  return Statement.map((one) => ("Fn::If" in one ? one["Fn::If"][1] : one));
}

describe.each(["dev", "prod"])("stage %s", (stage) => {
  const packaged = new Packaged(stage);
  beforeAll(() => packaged.make(), 5 * minute);
  afterAll(() => packaged.remove());

  test("has a template that cfn-lint has nothing to say about", async () => {
    expect(await outcome("cfn-lint", [packaged.templateFile])).toEqual({ code: 0, output: "" });
  });

  test("passes checkov, but for what a resource explains", async () => {
    const { output } = await outcome("checkov", [
      ...["-f", packaged.templateFile, "--framework", "cloudformation", "-o", "json"],
      ...["--compact", "--quiet", "--skip-download"],
    ]);
    const report = JSON.parse(output) as {
      summary: { passed: number };
      results: { failed_checks: { check_id: string; resource: string }[] };
    };
    expect(report.results.failed_checks.map(({ check_id, resource }) => `${check_id} ${resource}`)).toEqual([]);
    expect(report.summary.passed).toBeGreaterThan(200);
    for (const { Metadata } of Object.values(packaged.template.Resources)) {
      for (const { comment } of Metadata?.checkov?.skip ?? []) expect(comment).toMatch(/\w+ \w+/);
    }
  });

  test("has of each mapping what the framework's own events cannot say", () => {
    const mappings = Object.values(packaged.template.Resources).filter(({ Type }) =>
      Type.endsWith("::EventSourceMapping"),
    );
    expect(mappings).toHaveLength(4);
    for (const { Properties } of mappings) {
      expect(Properties).toMatchObject({
        MaximumBatchingWindowInSeconds: 0,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
      });
    }
  });

  test("says in docs/deploy.md what to do about each alarm", () => {
    const guide = readFileSync(join(projectRoot, "docs/deploy.md"), "utf8");
    const alarms = Object.values(packaged.template.Resources).filter(({ Type }) => Type === "AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThan(30);
    for (const { Properties } of alarms) {
      const [title] = String(Properties["AlarmDescription"]).split(":");
      expect(guide).toContain(`| ${title} |`);
    }
    // And has an alarm for each of them.
    const [, table = ""] = /\| alarm \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(guide) ?? [];
    const titles = new Set(alarms.map(({ Properties }) => String(Properties["AlarmDescription"]).split(":")[0]));
    expect(new Set([...table.matchAll(/^\| ([^|]+) \|/gm)].map(([, title]) => title))).toEqual(titles);
  });

  test("opens nothing to addresses, and lets nothing out but answers to CloudFormation", () => {
    const resources = Object.entries(packaged.template.Resources);
    const rules = resources.filter(([, { Type }]) => /SecurityGroup(In|E)gress$/.test(Type));
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.filter(([, { Properties }]) => "CidrIp" in Properties).map(([id]) => id)).toEqual(["FromSetupToS3"]);
    expect(resources.filter(([, { Type }]) => /InternetGateway|NatGateway/.test(Type))).toEqual([]);
  });

  test("takes nothing in the clear, and keeps what cannot be delivered", () => {
    const resources = Object.entries(packaged.template.Resources);
    const idsOf = (type: string) => resources.filter(([, { Type }]) => Type === type).map(([id]) => id);
    const denied = resources
      .filter(([, { Type }]) => /^AWS::S(NS::Topic|QS::Queue)Policy$/.test(Type))
      .flatMap(([, { Properties }]) => statementsOf(Properties["PolicyDocument"]))
      .filter(({ Effect, Condition }) => Effect === "Deny" && JSON.stringify(Condition).includes("SecureTransport"));
    for (const id of [...idsOf("AWS::SNS::Topic"), ...idsOf("AWS::SQS::Queue")]) {
      expect(JSON.stringify(denied.map(({ Resource }) => Resource))).toContain(`"${id}"`);
    }
    expect(idsOf("AWS::SNS::Subscription")).toHaveLength(2);
    for (const id of idsOf("AWS::SNS::Subscription")) {
      expect(packaged.template.Resources[id]?.Properties["RedrivePolicy"]).toEqual({
        deadLetterTargetArn: { "Fn::GetAtt": ["UndeliveredAlerts", "Arn"] },
      });
    }
  });

  test.each([
    ["SecretsEndpoint", "secretsmanager"],
    ["NotificationsEndpoint", "sns"],
    ["ConnectEndpoint", "kafkaconnect"],
    ["LambdaEndpoint", "lambda"],
  ])("lets through %s exactly what roles allow", (endpoint, service) => {
    const { Resources } = packaged.template;
    const actionsOf = (statements: Statement[]) =>
      new Set(statements.flatMap(({ Action }) => Action).filter((action) => action.startsWith(`${service}:`)));
    const roles = Object.values(Resources)
      .filter(({ Type }) => Type === "AWS::IAM::Role")
      .flatMap(({ Properties }) => (Properties["Policies"] ?? []) as { PolicyDocument: unknown }[])
      .flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument));
    expect(actionsOf(statementsOf(Resources[endpoint]?.Properties["PolicyDocument"]))).toEqual(actionsOf(roles));
  });

  test("looks at the metrics of its own stage", () => {
    const { Resources } = packaged.template;
    const environment = Resources["ProfileAgentLambdaFunction"]?.Properties["Environment"];
    expect(environment).toMatchObject({ Variables: { POWERTOOLS_SERVICE_NAME: `tripline-${stage}` } });
    expect(Resources["RecordsSkippedAlarm"]?.Properties["Dimensions"]).toEqual([
      { Name: "service", Value: `tripline-${stage}` },
    ]);
  });

  test("has every connector that is declared", () => {
    const files = readdirSync(join(projectRoot, "shared/connectors")).filter((file) => file.endsWith(".json"));
    const connectors = Object.values(packaged.template.Resources)
      .filter(({ Type }) => Type === "AWS::KafkaConnect::Connector")
      .map(({ Properties }) => Properties["ConnectorName"]);
    expect(connectors.sort()).toEqual(files.map((file) => `tripline-${stage}-${file.replace(".json", "")}`).sort());
  });

  test("makes the tables before it brings the functions that need them", () => {
    for (const name of [
      "ProfileAgent",
      "VelocityAgent",
      "ForwardAlerts",
      "RecordTemperature",
      "ReportTemperature",
      "Console",
    ]) {
      expect(packaged.template.Resources[`${name}LambdaFunction`]?.Properties["Tags"]).toContainEqual({
        Key: "database",
        Value: { "Fn::If": ["IsAws", { "Fn::GetAtt": ["PreparedDatabase", "Revision"] }, "emulated"] },
      });
    }
  });

  test("is small enough for CloudFormation", () => {
    expect(Object.keys(packaged.template.Resources).length).toBeLessThanOrEqual(500);
    expect(JSON.stringify(packaged.template).length).toBeLessThan(1_000_000);
  });
});

test("a stage that is protected is not removed by mistake, and the laptop's is not deployed", async () => {
  // Neither gets so far that it would need any: should one get there, it must not be somebody's own.
  const environment = { PATH: process.env["PATH"], AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none" };
  await expect(sls(["remove", "--stage", "prod"], environment)).rejects.toThrow(/Stage prod is protected/);
  await expect(sls(["deploy", "--stage", "local"], environment)).rejects.toThrow(/Stage local is the laptop's/);
});
