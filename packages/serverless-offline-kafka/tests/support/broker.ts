import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Admin, Producer } from "kafkajs";
import kafkajs from "kafkajs";
import { fetchJars, findJava } from "../../../../localstack/stack/jars.ts";
import { brokerSettings, properties } from "../../../../localstack/stack/parts/kafka.ts";
import { isPortFree } from "../../../../localstack/stack/processes.ts";
import { loopback, readSettings } from "../../../../localstack/stack/settings.ts";
import { prepareKafkaJs } from "../../src/kafka/kafka-client.ts";

const run = promisify(execFile);

/** Below what systems give to outgoing connections (Linux: from 32,768): a client that retries must not take the broker's port. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
/** A cold Java on a busy machine. Usually it takes two seconds. */
const START_MS_MAX = 90_000;
/** What an error quotes of a broker that did not start. */
const OUTPUT_LINES_MAX = 30;

/** Up in two seconds. */
const QUICK_JVM = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"];
const THROUGHPUT_JVM = ["-XX:+UseParallelGC", "-Xms1g", "-Xmx1g"];

/** A user for each mechanism, known to that mechanism only, so that a test that passes used the one it names. */
const USERS = {
  plain: { username: "plain-user", password: "plain-secret" },
  scram256: { username: "scram-256-user", password: "scram-256-secret" },
  scram512: { username: "scram-512-user", password: "scram-512-secret" },
} as const;

/** Names of the listeners in server.properties, by those in `Broker.listeners`. */
const LISTENERS = {
  plaintext: { name: "PLAINTEXT", protocol: "PLAINTEXT" },
  saslPlaintext: { name: "SASL_PLAINTEXT", protocol: "SASL_PLAINTEXT" },
  saslSsl: { name: "SASL_SSL", protocol: "SASL_SSL" },
  ssl: { name: "SSL", protocol: "SSL" },
  mutualTls: { name: "MTLS", protocol: "SSL" },
} as const;

type ListenerName = keyof typeof LISTENERS;

export interface BrokerOptions {
  /** Adds listeners with SASL: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly sasl?: boolean;
  /** Adds listeners with TLS. With `sasl`, one with both. */
  readonly tls?: boolean;
  /** For measurements: Java's full compiler and more memory, which start more slowly. */
  readonly throughput?: boolean;
  /** Added to server.properties. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** PEM texts, made for this broker. */
export interface Certificates {
  readonly ca: string;
  readonly clientCert: string;
  /** PKCS #8. */
  readonly clientKey: string;
  /** The same key, encrypted by PBES1, which is what AWS takes. */
  readonly clientKeyEncrypted: string;
  readonly clientKeyPassword: string;
}

export interface Broker {
  /** The listener without authentication. */
  readonly bootstrapServers: string;
  /** `127.0.0.1:port`. `ssl` asks no client for a certificate, `mutualTls` every one. */
  readonly listeners: { readonly plaintext: string } & { readonly [name in ListenerName]?: string };
  readonly users: typeof USERS;
  /** With `tls`. */
  readonly certificates: Certificates | undefined;
  /** SIGKILL: gone at once. SIGSTOP: hangs, with its ports open, until SIGCONT. */
  kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Again after a kill, on the same data and ports; ready when it returns. */
  start(): Promise<void>;
  /** Ends it and removes everything it wrote. */
  stop(): Promise<void>;
}

/**
 * Starts a Kafka of its own for a test: one KRaft node on loopback, on free ports, with its data in a temporary folder.
 * It does not outlive this process, however that ends, and does not keep it alive either.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const [java, jars] = await Promise.all([findJava(), fetchJars(readSettings())]);
  const folder = await mkdtemp(join(tmpdir(), "serverless-offline-kafka-broker-"));
  const watchdog = new Watchdog(folder);
  try {
    const names = listenerNames(options);
    const [controllerPort, ...ports] = await freePorts(names.length + 1);
    const listeners = Object.fromEntries(names.map((name, index) => [name, `${loopback}:${ports[index]}`]));
    const certificates = options.tls ? await makeCertificates(join(folder, "tls")) : undefined;
    const configuration = join(folder, "server.properties");
    await writeFile(
      configuration,
      properties(serverProperties(folder, `${loopback}:${controllerPort}`, listeners, options)),
    );
    await writeFile(join(folder, "log4j2.properties"), LOG4J_PROPERTIES);

    const jvm = ["-Dlog4j2.configurationFile=log4j2.properties", "-cp", jars.kafkaClasspath];
    const clusterId = randomBytes(16).toString("base64url").replace(/^-/, "_");
    const format = ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", configuration];
    if (options.sasl) format.push(...scramUsers());
    await run(java.command, [...QUICK_JVM, ...jvm, ...format], { cwd: folder });

    const server = [...(options.throughput ? THROUGHPUT_JVM : QUICK_JVM), ...jvm, "kafka.Kafka", configuration];
    const broker = new BrokerProcess(java.command, server, folder, watchdog);
    await broker.start();
    return {
      bootstrapServers: listeners["plaintext"] as string,
      listeners: listeners as Broker["listeners"],
      users: USERS,
      certificates,
      kill: (signal) => broker.kill(signal),
      start: () => broker.start(),
      stop: async () => {
        await broker.end();
        await watchdog.end();
      },
    };
  } catch (error) {
    await watchdog.end();
    throw error;
  }
}

/** A topic or group name that no other test has. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** Returns when every partition has its leader. */
export async function createTopic(admin: Admin, name: string, partitions = 1): Promise<void> {
  await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions, replicationFactor: 1 }] });
}

/** A client of the listener without authentication, which keeps quiet. */
export function connectKafka(broker: Pick<Broker, "bootstrapServers">): InstanceType<typeof kafkajs.Kafka> {
  prepareKafkaJs();
  return new kafkajs.Kafka({
    clientId: "test",
    brokers: [broker.bootstrapServers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
}

/**
 * A connected producer that puts a key where Kafka's own producers do. Idempotent: kafkajs sends all partitions again when one
 * of them has no leader yet, as after its topic was made on a busy machine.
 */
export async function connectProducer(broker: Pick<Broker, "bootstrapServers">): Promise<Producer> {
  const producer = connectKafka(broker).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  return producer;
}

export async function connectAdmin(broker: Pick<Broker, "bootstrapServers">): Promise<Admin> {
  const admin = connectKafka(broker).admin();
  await admin.connect();
  return admin;
}

function listenerNames({ sasl, tls }: BrokerOptions): ListenerName[] {
  return [
    "plaintext",
    ...(sasl ? (["saslPlaintext"] as const) : []),
    ...(sasl && tls ? (["saslSsl"] as const) : []),
    ...(tls ? (["ssl", "mutualTls"] as const) : []),
  ];
}

/** SCRAM's users are part of the cluster's metadata, which begins when its storage is formatted. */
function scramUsers(): string[] {
  const user = (mechanism: string, { username, password }: { username: string; password: string }) =>
    `${mechanism}=[name=${username},password=${password}]`;
  return [
    ...["--add-scram", user("SCRAM-SHA-256", USERS.scram256)],
    ...["--add-scram", user("SCRAM-SHA-512", USERS.scram512)],
  ];
}

function serverProperties(
  folder: string,
  controller: string,
  listeners: Readonly<Record<string, string>>,
  options: BrokerOptions,
): Record<string, string | number | boolean> {
  const used = Object.entries(listeners).map(([name, address]) => ({ ...LISTENERS[name as ListenerName], address }));
  const addresses = used.map(({ name, address }) => `${name}://${address}`);
  const protocols = used.map(({ name, protocol }) => `${name}:${protocol}`);
  const jaas = (login: string) => `org.apache.kafka.common.security.${login} required`;
  const sasl = used
    .filter(({ name }) => name.startsWith("SASL"))
    .flatMap(({ name }) => {
      const prefix = `listener.name.${name.toLowerCase()}`;
      const { username, password } = USERS.plain;
      return [
        [`${prefix}.sasl.enabled.mechanisms`, "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"],
        [`${prefix}.plain.sasl.jaas.config`, `${jaas("plain.PlainLoginModule")} user_${username}="${password}";`],
        [`${prefix}.scram-sha-256.sasl.jaas.config`, `${jaas("scram.ScramLoginModule")};`],
        [`${prefix}.scram-sha-512.sasl.jaas.config`, `${jaas("scram.ScramLoginModule")};`],
      ];
    });
  const tls = {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": join(folder, "tls/server-store.pem"),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": join(folder, "tls/ca.pem"),
    "listener.name.mtls.ssl.client.auth": "required",
  };
  return {
    ...brokerSettings,
    // A test waits for this long after a kill (the controller refuses the broker until its former self's session is over).
    "broker.session.timeout.ms": 2_000,
    "broker.heartbeat.interval.ms": 500,
    // So that a test need not wait 6 s for a member that died.
    "group.min.session.timeout.ms": 1_000,
    "controller.quorum.voters": `1@${controller}`,
    listeners: [...addresses, `CONTROLLER://${controller}`].join(","),
    "advertised.listeners": addresses.join(","),
    "listener.security.protocol.map": [...protocols, "CONTROLLER:PLAINTEXT"].join(","),
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": join(folder, "data"),
    ...Object.fromEntries(sasl),
    ...(options.tls ? tls : {}),
    ...options.settings,
  };
}

/** Warnings, and the one line that says the broker is ready. */
const LOG4J_PROPERTIES = `status = warn
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n%ex
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
`;
const READY_PATTERN = /Kafka Server started/;

/** The broker's Java. It is started again after a kill. */
class BrokerProcess {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #folder: string;
  readonly #watchdog: Watchdog;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(command: string, args: readonly string[], folder: string, watchdog: Watchdog) {
    this.#command = command;
    this.#args = args;
    this.#folder = folder;
    this.#watchdog = watchdog;
  }

  async start(): Promise<void> {
    this.#child?.ref();
    await this.#exited;
    const child = spawn(this.#command, this.#args, {
      cwd: this.#folder,
      // In a group of its own: a Ctrl-C at the terminal is for the test, which decides when its broker ends.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#exited = once(child, "exit").then(() => this.#watchdog.guard(undefined));
    this.#watchdog.guard(child.pid);
    await waitUntilReady(child);
    unreference(child);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Without ceremony: its data is not needed any more. */
  async end(): Promise<void> {
    this.#child?.ref();
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }
}

async function waitUntilReady(child: ChildProcess): Promise<void> {
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (reason: string) => reject(new Error(`Kafka ${reason}:\n${lines.join("\n")}`));
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES_MAX) lines.shift();
      if (READY_PATTERN.test(line)) resolve();
    });
  }
  const onClose = () => fail("ended while it started");
  child.once("error", reject);
  child.once("close", onClose);
  const timer = setTimeout(() => fail(`was not ready after ${START_MS_MAX / 1_000} s`), START_MS_MAX);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    child.off("close", onClose);
  }
}

/**
 * A shell that reads from us which process to guard. When its input ends, because we end it or because this process is gone
 * (even by SIGKILL), it kills the guarded process and removes the folder.
 */
class Watchdog {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(folder: string) {
    const script = `trap '' INT TERM HUP
      while read -r line; do pid=$line; done
      [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
      # A process that is just being killed may still write a file.
      for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" && exit 0; sleep 0.2; done`;
    this.#child = spawn("sh", ["-c", script, folder], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    this.#exited = once(this.#child, "exit");
    unreference(this.#child);
  }

  guard(pid: number | undefined): void {
    this.#child.stdin?.write(`${pid ?? ""}\n`);
  }

  async end(): Promise<void> {
    this.#child.ref();
    this.#child.stdin?.end();
    await this.#exited;
  }
}

/** A test that forgets its broker ends nevertheless. */
function unreference(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    // Streams to a child are sockets, which the types do not say.
    if (stream !== null && "unref" in stream && typeof stream.unref === "function") stream.unref();
  }
}

/** Ports of loopback that nothing listens on, for servers of a test. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (await isPortFree(port)) ports.add(port);
  }
  return [...ports];
}

/** A certificate authority, and certificates of it for the broker and for one client. */
async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder);
  const file = (name: string) => join(folder, name);
  const read = (name: string) => readFile(file(name), "utf8");
  const openssl = (...args: string[]) =>
    run("openssl", args, { cwd: folder }).catch((cause: unknown) => {
      throw new Error("openssl, which makes the certificates of this test, is missing or failed", { cause });
    });
  await writeFile(file("openssl.cnf"), OPENSSL_CONFIGURATION);
  const request = (name: string) => [
    ...["req", "-config", "openssl.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`],
    ...["-subj", `/CN=${name === "server" ? "localhost" : name}`],
  ];
  const sign = (name: string) => [
    ...[
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-set_serial",
      `${randomInt(1, 1e9)}`,
    ],
    ...["-days", "2", "-extfile", "openssl.cnf", "-extensions", name, "-out", `${name}.pem`],
  ];
  await openssl(...request("ca"), "-x509", "-days", "2", "-extensions", "ca", "-out", "ca.pem");
  await Promise.all(
    ["server", "client"].map(async (name) => {
      await openssl(...request(name), "-out", `${name}.csr`);
      await openssl(...sign(name));
    }),
  );
  const clientKeyPassword = "client-key-secret";
  await openssl(
    ...["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "client.key", "-out", "client-encrypted.key"],
    ...["-passout", `pass:${clientKeyPassword}`],
  );
  await writeFile(
    file("server-store.pem"),
    (await read("server.key")) + (await read("server.pem")) + (await read("ca.pem")),
  );
  return {
    ca: await read("ca.pem"),
    clientCert: await read("client.pem"),
    clientKey: await read("client.key"),
    clientKeyEncrypted: await read("client-encrypted.key"),
    clientKeyPassword,
  };
}

const OPENSSL_CONFIGURATION = `[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[ca]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
[server]
subjectAltName = IP:127.0.0.1, DNS:localhost
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
`;
