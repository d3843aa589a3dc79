import { asList, isObject } from "../config/json.ts";
import type { Settings } from "../config/settings.ts";
import { settingPath } from "../config/settings.ts";
import type { MappingConfig } from "../config/types.ts";
import type { PartitionOffset } from "../delivery/contract.ts";
import { MappingError } from "../errors.ts";
import { AdminClient } from "./client.ts";
import type { SampleHost, SampleSource } from "./sample.ts";
import { SAMPLE_RECORDS_MAX, sampleEvent } from "./sample.ts";
import type { Paint } from "./table.ts";
import { renderList } from "./table.ts";
import type { MappingView } from "./view.ts";

/** An option as osls and the Serverless Framework 4 declare it. */
export interface CommandOption {
  readonly usage: string;
  readonly type: "string" | "boolean" | "multiple";
  readonly shortcut?: string;
  readonly required?: boolean;
}

const OPTIONS = {
  function: { usage: "The function, or the logical id of its mapping", type: "string", shortcut: "f" },
  json: { usage: "Print JSON, for scripts", type: "boolean" },
  offset: { usage: "The first offset", type: "string" },
  partition: { usage: "A partition, all if left out; may be repeated", type: "multiple" },
  timestamp: { usage: "The first record at or after this time: 2026-11-30T12:00:00Z, or milliseconds", type: "string" },
  "from-beginning": { usage: "The first record that is there", type: "boolean" },
  latest: { usage: "What comes from now on", type: "boolean" },
  topic: { usage: "The topic", type: "string" },
  count: { usage: `How many records, 10 if left out, ${SAMPLE_RECORDS_MAX} at the most`, type: "string" },
} as const satisfies Readonly<Record<string, CommandOption>>;

const FUNCTION = { ...OPTIONS.function, required: true } as const;
const SAMPLE_COUNT_DEFAULT = 10;

function command(usage: string, options: Readonly<Record<string, CommandOption>>) {
  return { usage, options, lifecycleEvents: ["run"] };
}

/** They stand beside serverless-offline's `start`: the framework merges the commands of plugins by name. */
export const COMMANDS = {
  offline: {
    commands: {
      kafka: {
        type: "container",
        usage: "Shows and steers the Kafka event source mappings of a `sls offline` that runs",
        commands: {
          list: command("Shows the mappings, their lag and what they did", { json: OPTIONS.json }),
          pause: command("Invokes the function no more until resume", { function: FUNCTION, json: OPTIONS.json }),
          resume: command("Goes on after pause", { function: FUNCTION, json: OPTIONS.json }),
          replay: command("Delivers records again, or skips them", {
            function: FUNCTION,
            offset: OPTIONS.offset,
            timestamp: OPTIONS.timestamp,
            "from-beginning": OPTIONS["from-beginning"],
            latest: OPTIONS.latest,
            partition: OPTIONS.partition,
            json: OPTIONS.json,
          }),
          sample: command("Prints real records as the event that the function gets; needs no `sls offline`", {
            topic: OPTIONS.topic,
            function: OPTIONS.function,
            count: OPTIONS.count,
            partition: { ...OPTIONS.partition, type: "string", usage: "A partition, all if left out" },
            offset: OPTIONS.offset,
          }),
        },
      },
    },
  },
} as const;

export type CommandName = keyof (typeof COMMANDS)["offline"]["commands"]["kafka"]["commands"];
type Options = Readonly<Record<string, unknown>>;

/** What the commands need of the service and of the terminal. */
export interface CommandContext {
  readonly service: string;
  readonly settings: Settings;
  readonly readMappings: () => readonly MappingConfig[];
  /** To the standard output. */
  readonly write: (text: string) => Promise<void>;
  readonly paint: Paint;
  readonly sampling: SampleHost;
}

/** @throws MappingError, of which the framework makes an exit code */
export async function runCommand(name: CommandName, options: Options, context: CommandContext): Promise<void> {
  if (name === "sample") return printSample(options, context);
  const client = new AdminClient(context.settings.adminPort, context.service);
  const print = (value: unknown, text: string) =>
    context.write(options["json"] === true ? `${JSON.stringify(value)}\n` : `${text}\n`);
  if (name === "list") {
    const views = await client.list();
    return print(views, renderList(views, context.paint));
  }
  const target = String(options["function"]);
  if (name === "replay") {
    const said = (await client.act(target, "replay", readReplay(options))) as { readonly positions: PartitionOffset[] };
    const positions = said.positions.map(({ offset, partition }) => `partition ${partition} from offset ${offset}`);
    return print(said, `${target} goes on in ${positions.join(", ")}`);
  }
  const views = (await client.act(target, name)) as readonly MappingView[];
  return print(views, views.map(({ functionKey, state, topic }) => `${functionKey} ← ${topic}: ${state}`).join("\n"));
}

/** The body of a replay; the endpoint checks what is in it. */
function readReplay(options: Options): Readonly<Record<string, unknown>> {
  const partitions = asList(options["partition"]).map((value) => readCount("partition", value));
  const timestamp = options["timestamp"];
  const positions = [
    options["offset"] !== undefined && { offset: readCount("offset", options["offset"]) },
    timestamp !== undefined && { timestamp: /^\d+$/.test(String(timestamp)) ? Number(timestamp) : timestamp },
    options["from-beginning"] === true && { position: "TRIM_HORIZON" },
    options["latest"] === true && { position: "LATEST" },
  ].filter(isObject);
  if (positions.length !== 1) {
    throw invalid("say from where, by one of --offset, --timestamp, --from-beginning and --latest");
  }
  return { ...positions[0], ...(partitions.length > 0 && { partitions }) };
}

async function printSample(options: Options, context: CommandContext): Promise<void> {
  const optional = (name: string) => (options[name] === undefined ? undefined : readCount(name, options[name]));
  const count = optional("count") ?? SAMPLE_COUNT_DEFAULT;
  if (count < 1 || count > SAMPLE_RECORDS_MAX) throw invalid(`--count is ${count}; write 1 to ${SAMPLE_RECORDS_MAX}`);
  const source = findSource(options, context);
  if (source.batchSize !== undefined && count > source.batchSize) {
    context.sampling.log.warning(`the mapping's batches have ${source.batchSize} records at the most`);
  }
  const request = { count, partition: optional("partition"), offset: optional("offset") };
  const event = await sampleEvent(source, request, context.sampling);
  await context.write(`${JSON.stringify(event)}\n`);
}

/** The mapping that has the topic, or the function, or both; without a mapping the cluster of the service. */
function findSource(options: Options, { readMappings, sampling, settings }: CommandContext): SampleSource {
  const { function: target, topic } = options;
  if (target === undefined && topic === undefined) throw invalid("say of what, by --topic or --function");
  const mappings = readMappings();
  const found = mappings.filter(
    (one) =>
      (topic === undefined || one.topic === topic) &&
      (target === undefined || one.functionKey === target || one.logicalId === target),
  );
  const [first, ...others] = found;
  if (target === undefined && first === undefined) return ownTopic(String(topic), settings);
  if (first === undefined) {
    const known = mappings.map((one) => `${one.functionKey} ← ${one.topic}`).join(", ") || "none";
    throw new MappingError("SOK_MAPPING_UNKNOWN", `no mapping fits; there are ${known}`);
  }
  // Functions may see a topic alike: then it does not matter which.
  const differs = others.some((one) => shapeOf(one) !== shapeOf(first));
  if (differs && (target !== undefined || topic === undefined)) {
    const names = found.map(({ logicalId }) => logicalId).join(", ");
    throw new MappingError("SOK_MAPPING_AMBIGUOUS", `several mappings fit; say which one by --function: ${names}`);
  }
  if (differs) sampling.log.warning(`as ${first.functionKey} gets it; others get it differently: use --function`);
  return first;
}

function shapeOf({ access, bootstrapServers, envelope, filterPatterns, schemaRegistry, topic }: SampleSource): string {
  return JSON.stringify([topic, bootstrapServers, access, filterPatterns, schemaRegistry, envelope]);
}

/** A topic of no mapping is shown as a self-managed cluster's, without filters. */
function ownTopic(topic: string, settings: Settings): SampleSource {
  const bootstrapServers = asList(settings.cluster([]).bootstrapServers).flatMap((part) =>
    String(part)
      .split(",")
      .map((server) => server.trim()),
  );
  if (bootstrapServers.length === 0) {
    throw new MappingError(
      "SOK_BOOTSTRAP_SERVERS_MISSING",
      `no mapping has the topic ${topic}; say where Kafka listens: ${settingPath("bootstrapServers")}: 127.0.0.1:9092`,
    );
  }
  const envelope = { eventSource: "SelfManagedKafka", bootstrapServers: bootstrapServers.join(",") } as const;
  return {
    topic,
    bootstrapServers,
    access: [],
    tls: undefined,
    filterPatterns: [],
    schemaRegistry: undefined,
    envelope,
  };
}

function readCount(name: string, value: unknown): number {
  const text = String(value);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`--${name} is ${text}; write a whole number from 0`);
}

function invalid(message: string): MappingError {
  return new MappingError("SOK_COMMAND_INVALID", message);
}
