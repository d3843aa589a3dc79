import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { apiAt } from "./deployed-console.ts";

let folder: string;
let servers: Server[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tripline-console-"));
  servers = [];
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener, port = 0): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The command as somebody runs it, who has no AWS but what is given here. */
function run(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "console", ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      TRIPLINE_HOME: folder,
      AWS_EC2_METADATA_DISABLED: "true",
      NO_COLOR: "1",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  return {
    child,
    line: async () => {
      while (!output.includes("\n")) await once(child.stdout, "data");
      return output.trim();
    },
    end: async () => {
      const [code] = child.exitCode === null ? await once(child, "close") : [child.exitCode];
      return { code, output: output.trim() };
    },
  };
}

const credentials = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };

/** CloudFormation, which knows one stack. */
const cloudFormation =
  (outputs: Record<string, string>): RequestListener =>
  (request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      response.setHeader("content-type", "text/xml");
      const members = Object.entries(outputs).map(
        ([name, value]) => `<member><OutputKey>${name}</OutputKey><OutputValue>${value}</OutputValue></member>`,
      );
      if (new URLSearchParams(body).get("StackName") === "tripline-prod") {
        response.end(
          `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>tripline-prod</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-11-24T12:00:00Z</CreationTime><Outputs>${members.join("")}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
        );
        return;
      }
      response.statusCode = 400;
      response.end(
        "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id tripline-test does not exist</Message></Error></ErrorResponse>",
      );
    });
  };

describe("tripline console, of this machine", () => {
  const port = 8080 + 21_000;
  const local = (...args: string[]) => run(args, { TRIPLINE_PORT_OFFSET: "21000" }).end();
  const session = (stage: string) => serve((_, response) => response.end(JSON.stringify({ stage })), port);

  test("says where it is", async () => {
    await session("local");
    expect(await local()).toEqual({ code: 0, output: `http://127.0.0.1:${port}` });
    const { output } = await local("--json");
    expect(JSON.parse(output)).toEqual({ ok: true, url: `http://127.0.0.1:${port}`, answers: true });
  });

  test("says how to start it where nothing answers, and that something else does", async () => {
    expect(await local()).toEqual({ code: 1, output: expect.stringContaining("'npm start'") });
    await session("prod");
    expect(await local()).toEqual({ code: 1, output: expect.stringContaining("the console of stage prod") });
  });
});

describe("tripline console --stage", () => {
  test("finds the console by the stack, signs what it is asked, and ends when it is interrupted", async () => {
    const asked: (string | undefined)[] = [];
    const api = await serve((request, response) => {
      asked.push(request.headers.authorization);
      response.setHeader("content-security-policy", "default-src 'none'").end("the page");
    });
    const environment = {
      ...credentials,
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_CLOUDFORMATION: await serve(cloudFormation({ HttpApiUrl: api })),
    };
    const { child, line, end } = run(["--stage", "prod", "--port", "0", "--json"], environment);
    const { ok, url, region } = JSON.parse(await line()) as { ok: boolean; url: string; region: string };
    expect([ok, region]).toEqual([true, "eu-central-1"]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(url)).text()).toBe("the page");
    expect(asked).toEqual([expect.stringMatching(/Credential=AKIDEXAMPLE\/\d+\/eu-central-1\/execute-api\//)]);
    child.kill("SIGINT");
    expect((await end()).code).toBe(0);
  });

  test.each([
    ["there are no credentials", ["--stage", "prod"], {}, /no AWS credentials .*'aws sso login'/s],
    ["the profile is unknown", ["--stage", "prod", "--profile", "none"], {}, /^✖ Profile 'none': .*no AWS credentials/],
    ["the stage is not there", ["--stage", "test"], credentials, /tripline-test.* does not exist.*--region/s],
    ["its stack has no console", ["--stage", "prod"], credentials, /tripline-prod in eu-central-1 has no console/],
    ["the address is none", ["--url", "nowhere"], credentials, /'nowhere' is no address/],
    [
      "the port is none",
      ["--url", "https://a.execute-api.eu-central-1.amazonaws.com", "--port", "x"],
      credentials,
      /--port/,
    ],
  ])("says so when %s", async (_, args, given, message) => {
    const environment = {
      ...given,
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_CLOUDFORMATION: await serve(cloudFormation({})),
    };
    const { code, output } = await run(args, environment).end();
    expect(output).toMatch(message);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });

  test("says who holds the port", async () => {
    const held = new URL(await serve((_, response) => response.end())).port;
    const args = ["--url", "https://a.execute-api.eu-central-1.amazonaws.com", "--port", held, "--json"];
    const { code, output } = await run(args, credentials).end();
    expect(JSON.parse(output)).toMatchObject({ ok: false, error: { code: "PORT_IN_USE" } });
    expect(code).toBe(1);
  });
});

describe("an address", () => {
  test("has its region in it, or is given one", () => {
    expect(apiAt("https://a1b2.execute-api.eu-central-1.amazonaws.com/", "us-east-1").region).toBe("eu-central-1");
    expect(apiAt("https://console.example.com", "us-east-1").region).toBe("us-east-1");
    expect(() => apiAt("https://console.example.com", undefined)).toThrow("Give the region of console.example.com");
  });

  test("is encrypted, unless it is this machine's", () => {
    expect(() => apiAt("http://a1b2.execute-api.eu-central-1.amazonaws.com")).toThrow("begins with https://");
    expect(apiAt("http://127.0.0.1:3000", "us-east-1").api.port).toBe("3000");
  });
});
