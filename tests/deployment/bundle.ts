import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A program that does with a bundle what Lambda's runtime does: load it from its working folder, and call its handler. */
const runtime = `
  const [file, event] = process.argv.slice(1);
  const started = process.hrtime.bigint();
  const { handler } = require(require("node:path").resolve(file));
  const loadedMs = Number(process.hrtime.bigint() - started) / 1e6;
  if (event === undefined) {
    process.send({ loadedMs });
    process.exit(0);
  }
  const context = { functionName: "test", getRemainingTimeInMillis: () => 60000 };
  Promise.resolve(handler(JSON.parse(event), context)).then(
    (result) => { process.send({ result: result ?? null, loadedMs }); process.exit(0); },
    (error) => { process.send({ error: String(error && error.message) }); process.exit(0); },
  );
`;

export interface Invocation {
  result?: unknown;
  error?: string;
  /** How long it took to load the code: the part of a cold start that is ours. */
  loadedMs?: number;
}

/** Calls the handler of an unpacked function in a process of its own, with nothing but this environment. */
export function invoke(
  folder: string,
  functionName: string,
  event: unknown,
  environment: Record<string, string>,
): Promise<Invocation> {
  return runBundle(folder, functionName, [JSON.stringify(event)], environment);
}

/** How many milliseconds a new process takes to load an unpacked function, without a call. */
export async function load(folder: string, functionName: string): Promise<number> {
  // What a function reads when it is loaded; nothing answers there.
  const environment = {
    AWS_REGION: "us-east-1",
    PGHOST: "127.0.0.1",
    PGUSER: "nobody",
    PGPASSWORD: "none",
    PGDATABASE: "mydb",
  };
  const { loadedMs } = await runBundle(folder, functionName, [], environment);
  if (loadedMs === undefined) throw new Error(`${functionName} was not loaded`);
  return loadedMs;
}

function runBundle(
  folder: string,
  functionName: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Invocation> {
  const child = spawn(process.execPath, ["-e", runtime, `functions/${functionName}/index.cjs`, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    let answer: Invocation | undefined;
    child.once("message", (message) => {
      answer = message as Invocation;
    });
    child.once("error", reject);
    child.once("close", (code) =>
      answer === undefined ? reject(new Error(`${functionName} ended with ${code}: ${output}`)) : resolve(answer),
    );
  });
}

/** Calls the function of a custom resource as CloudFormation does, and gives what it answered. */
export async function provision(
  folder: string,
  functionName: string,
  properties: Record<string, string>,
  environment: Record<string, string>,
): Promise<{ Status: string; Reason?: string; Data?: Record<string, string> }> {
  let answer: string | undefined;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      answer = body;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { error } = await invoke(
      folder,
      functionName,
      {
        RequestType: "Create",
        ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`,
        StackId: "arn:aws:cloudformation:us-east-1:123456789012:stack/tripline-prod/1",
        RequestId: "1",
        LogicalResourceId: "Resource",
        ResourceProperties: properties,
      },
      environment,
    );
    if (answer === undefined) throw new Error(`${functionName} did not answer: ${error}`);
    return JSON.parse(answer) as { Status: string };
  } finally {
    server.close();
  }
}
