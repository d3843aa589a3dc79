import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify, stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Broker, connectAdmin, connectProducer, createTopic, freePorts, startBroker } from "../support/broker.ts";

const run = promisify(execFile);

const packageFolder = join(import.meta.dirname, "../..");
const tools = join(import.meta.dirname, "../../../../node_modules");

/** What is installed beside the plugin: the hosts that it is made for. */
const HOSTS = ["serverless@npm:osls@4.3.1", "serverless-offline@14.8.2"];
/** A connection that hangs is given up after 30 s and tried again; npm would wait for five minutes. */
const INSTALL_OPTIONS = ["--no-audit", "--no-fund", "--fetch-timeout=30000"];

/** Packing compiles, installing may fetch some hundred packages once. */
const PREPARE_MS_MAX = 300_000;
const TEST_MS_MAX = 120_000;
/** For a line that the service should print. */
const LINE_MS_MAX = 40_000;

describe("what npm pack makes of the plugin", () => {
  let folder: string;
  let project: string;
  let tarball: string;
  let broker: Broker;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "serverless-offline-kafka-package-"));
    project = join(folder, "project");
    broker = await startBroker();
    tarball = await pack(folder);
    await cp(join(packageFolder, "examples/minimal"), project, { recursive: true });
    const packages = [tarball, ...HOSTS];
    // What npm remembers of one package may be older than what it remembers of another that needs it.
    await npm(project, "install", "--prefer-offline", ...INSTALL_OPTIONS, ...packages).catch(() =>
      npm(project, "install", ...INSTALL_OPTIONS, ...packages),
    );
  }, PREPARE_MS_MAX);

  afterAll(async () => {
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("holds the compiled plugin, what describes it and an example, and no sources or tests", async () => {
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const files = stdout.trim().split("\n");
    expect(files).toEqual(
      expect.arrayContaining([
        "package/package.json",
        "package/README.md",
        "package/LICENSE",
        "package/dist/plugin.js",
        "package/dist/plugin.d.ts",
        "package/examples/minimal/serverless.yml",
        "package/examples/minimal/handler.mjs",
      ]),
    );
    expect(
      files.filter((file) => /(?<!\.d)\.ts$|\.test\.|\/tests?\/|tsconfig|world|fake-|sample-service/.test(file)),
    ).toEqual([]);
    // The build cleans up: a later one must not pack what an earlier one left.
    expect(await readdir(packageFolder)).not.toContain("dist");
  });

  test("loads by its name, by import and by require, and has types", async () => {
    const load = `
      const { default: imported } = await import("serverless-offline-kafka");
      const { createRequire } = await import("node:module");
      const required = createRequire(process.cwd() + "/")("serverless-offline-kafka").default;
      console.log(imported.name, imported === required);
    `;
    const loaded = await run(process.execPath, ["--input-type=module", "-e", load], {
      cwd: project,
      env: strangersEnvironment(),
    });
    expect(loaded.stdout).toBe("ServerlessOfflineKafka true\n");

    // Were the plugin `any`, the expected error would be missing, which is an error.
    const typed = `
      const { default: Plugin } = await import("serverless-offline-kafka");
      export const use = (plugin: InstanceType<typeof Plugin>) => Object.keys(plugin.hooks);
      // @ts-expect-error
      use({ hooks: 1 });
    `;
    await writeFile(join(project, "use.mts"), typed);
    // Node's own types, as every service in TypeScript has them; and no skipLibCheck, so that all of ours are looked at.
    const nodeTypes = ["--typeRoots", join(tools, "@types"), "--types", "node"];
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", ...nodeTypes, "use.mts"];
    const checked = await run(process.execPath, [join(tools, "typescript/bin/tsc"), ...options], {
      cwd: project,
    }).catch((error: unknown) => error);
    expect(checked).toMatchObject({ stdout: "" });
  });

  test(
    "runs the example under serverless-offline until Ctrl-C",
    async () => {
      const admin = await connectAdmin(broker);
      const producer = await connectProducer(broker);
      await createTopic(admin, "orders", 2);
      await createTopic(admin, "payments");
      const order = (id: number, partition: number) => ({ partition, value: JSON.stringify({ id, pieces: 3 }) });
      await producer.send({
        topic: "orders",
        messages: [order(1, 0), order(2, 1), { partition: 1, value: "no JSON" }],
      });

      const service = await startService(project, broker);
      try {
        await service.line(/order 1: 3 pieces \(partition 0, offset 0, aws:kafka\)/);
        await service.line(/order 2: 3 pieces \(partition 1, offset 0, aws:kafka\)/);
        // Reported as failed, so it comes again, and holds back no other partition.
        await service.line(/orders-1, offset 1: /, 2);
        await producer.send({ topic: "orders", messages: [order(3, 0)] });
        await service.line(/order 3: 3 pieces \(partition 0, offset 1, aws:kafka\)/);
        await producer.send({ topic: "payments", messages: [{ value: JSON.stringify({ id: 7 }) }] });
        await service.line(/payment 7 \(partition 0, offset 0, SelfManagedKafka\)/);
      } finally {
        await service.interrupt();
      }
      expect(service.exitCode()).toBe(0);
      expect(service.isAlive()).toBe(false);

      expect(await committed(admin, "minimal-count-orders", "orders")).toEqual([
        [0, "2"],
        [1, "1"],
      ]);
      expect(await committed(admin, "minimal-count-payments", "payments")).toEqual([[0, "1"]]);
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    },
    TEST_MS_MAX,
  );
});

async function pack(destination: string): Promise<string> {
  await npm(packageFolder, "pack", "--pack-destination", destination);
  const name = (await readdir(destination)).find((file) => file.endsWith(".tgz"));
  if (name === undefined) throw new Error("npm pack made no tarball");
  return join(destination, name);
}

async function npm(cwd: string, ...args: string[]): Promise<void> {
  await run("npm", args, { cwd, env: strangersEnvironment() }).catch((cause: Error & { stdout: string }) => {
    // What the compiler says is on the standard output, which the error does not show.
    throw new Error(`${cause.message}\n${cause.stdout}`, { cause });
  });
}

/** Of somebody who has this Node and nothing of this repository: its tools and what npm says to a script are taken away. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    // Whom Node trusts is a setting of the machine: npm may need it to reach its registry.
    ([name]) => !/^(npm_(?!config_)|npm_config_local_prefix$|NODE_(?!EXTRA_CA_CERTS$)|INIT_CWD$|JEST_)/.test(name),
  );
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((part) => !part.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), ...path].join(delimiter) };
}

interface Service {
  /** Resolves when a line of the output matches, or that many do, those of the past included. */
  line(pattern: RegExp, count?: number): Promise<void>;
  /** What Ctrl-C does at a terminal; resolves when the command has ended. */
  interrupt(): Promise<void>;
  exitCode(): number | null;
  /** Whether the command or any process that it started is there. */
  isAlive(): boolean;
}

async function startService(cwd: string, broker: Broker): Promise<Service> {
  const ports = await freePorts(4);
  const options = ["http", "lambda", "websocket", "alb"].flatMap((name, index) => [
    `--${name}Port`,
    String(ports[index]),
  ]);
  // What npx runs. npx itself ends by the signal it gets, whatever the exit code of the command.
  const child = spawn("node_modules/.bin/sls", ["offline", "start", "--noSponsor", ...options], {
    cwd,
    // A group of its own, which Ctrl-C reaches as a whole.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...strangersEnvironment(), BOOTSTRAP_SERVERS: broker.bootstrapServers, SLS_TELEMETRY_DISABLED: "1" },
  });
  const output = new Output(child);
  const closed = once(child, "close");
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-(child.pid as number), name);
    } catch {
      return false;
    }
  };
  return {
    line: (pattern, count = 1) => output.line(pattern, count),
    interrupt: async () => {
      signal("SIGINT");
      const killer = setTimeout(() => signal("SIGKILL"), TEST_MS_MAX / 2);
      await closed;
      clearTimeout(killer);
    },
    exitCode: () => child.exitCode,
    isAlive: () => signal(0),
  };
}

class Output {
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(child: ChildProcess) {
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on("line", (line) => {
        this.#lines.push(stripVTControlCharacters(line));
        this.#look();
      });
    }
    child.once("close", () => {
      this.#ended = true;
      this.#look();
    });
  }

  async line(pattern: RegExp, count: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (problem: string | undefined) => {
        this.#waiting.delete(look);
        clearTimeout(timer);
        if (problem === undefined) resolve();
        else reject(new Error(`${problem} ${pattern}. Its output:\n${this.#lines.join("\n")}`));
      };
      const look = () => {
        if (this.#lines.filter((line) => pattern.test(line)).length >= count) settle(undefined);
        else if (this.#ended) settle("the command ended without");
      };
      const timer = setTimeout(() => settle("the command has not printed"), LINE_MS_MAX);
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}

async function committed(
  admin: Awaited<ReturnType<typeof connectAdmin>>,
  groupId: string,
  topic: string,
): Promise<Array<[partition: number, offset: string]>> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return (offsets?.partitions ?? [])
    .map(({ partition, offset }): [number, string] => [partition, offset])
    .sort(([a], [b]) => a - b);
}
