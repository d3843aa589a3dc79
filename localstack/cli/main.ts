import { Command, CommanderError } from "commander";
import { StackError } from "../stack/errors.ts";
import { toolLike, toolNamed } from "./kafka/tools.ts";
import { printJson, reportFailure } from "./output.ts";

// Whoever reads the output through a pipe may have seen enough (| head -1): the rest is for nobody.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

/** A script that asked for JSON gets it even for a command line that makes no sense. */
const wantsJson = process.argv.includes("--json");

const program = new Command("tripline")
  .description("The local stack of Tripline: PostgreSQL, Kafka, Connect with Debezium, and a local AWS.")
  .showHelpAfterError("(add --help for the options)")
  .enablePositionalOptions()
  .exitOverride();
if (wantsJson) program.configureOutput({ writeErr: () => {} });

/** Every command answers --json with one JSON object, and ends with a code that is not 0 when it failed. What it needs is loaded when it is called. */
function command<Options extends { json?: boolean }>(
  parent: Command,
  name: string,
  description: string,
  action: (options: Options, ...words: string[]) => Promise<void>,
  configure: (command: Command) => Command = (each) => each,
): void {
  const defined = configure(parent.command(name).description(description).copyInheritedSettings(parent)).option(
    "--json",
    "print one JSON object",
  );
  defined.action(async () => {
    const options = defined.opts<Options>();
    try {
      await action(options, ...defined.args);
    } catch (error) {
      reportFailure(error, options.json === true);
    }
  });
}

command(
  program,
  "up",
  "start the stack, and end when everything answers",
  async (options) => (await import("./up.ts")).up(options),
  (each) => each.option("--containers", "in containers instead of natively (Docker or Podman)"),
);
command(program, "down", "stop the stack and leave no process behind", async (options) =>
  (await import("./down.ts")).down(options),
);
command(program, "status", "what runs, and how it is", async (options) =>
  (await import("./status.ts")).status(options),
);
command<{ json?: boolean; follow?: boolean; lines: string }>(
  program,
  "logs [name]",
  "what the servers log: supervisor, postgres, kafka, connect, aws, functions",
  async (options, name) => (await import("./logs.ts")).logs(options, name),
  (each) =>
    each.option("-f, --follow", "go on as lines arrive").option("-n, --lines <count>", "how many lines of each", "20"),
);
command(
  program,
  "reset",
  "stop the stack and remove its data; downloads are kept",
  async (options) => (await import("./reset.ts")).reset(options),
  (each) => each.option("-y, --yes", "do not ask"),
);
command(program, "doctor", "what this machine has and lacks for the stack", async (options) =>
  (await import("./doctor.ts")).doctor(options),
);
command<{ json?: boolean; rate: string }>(
  program,
  "start",
  "start everything, insert transactions and show the alerts (npm start)",
  async (options) => (await import("./start.ts")).start(options),
  (each) =>
    each
      .option("--for <duration>", "end by itself, such as 60s or 5m (default: until Ctrl-C)")
      .option("--rate <rows>", "transactions a second", "2000")
      .option("--containers", "the stack in containers instead of natively")
      .option("--keep", "leave the stack running at the end (default: as it was before)"),
);
command(program, "verify", "recompute in SQL which alerts must exist, and compare", async (options) =>
  (await import("./verify.ts")).verify(options),
);
command<{ json?: boolean; port: string }>(
  program,
  "console",
  "where the web console is; of a stage on AWS, open it with your AWS credentials",
  async (options) => (await import("./console.ts")).openConsole(options),
  (each) =>
    each
      .option("--stage <name>", "of this stage on AWS: an address here that signs what your browser asks")
      .option("--url <address>", "the same by the address of its HTTP API")
      .option("--port <number>", "where to listen", "8080")
      .option("--profile <name>", "whose credentials (default: as the AWS CLI finds them)")
      .option("--region <name>", "where the stage is (default: the profile's)")
      .option("-v, --verbose", "a line for each request"),
);

const kafka = program
  .command("kafka")
  .description(
    "look into topics and groups, write and read records; or one of Kafka's own tools, such as kafka console-consumer",
  )
  .addHelpText(
    "after",
    "\nKafka's own tools have their own options: npx tripline kafka-topics --create --topic activity.streaming --partitions 4",
  );
const server = (each: Command) => each.option("--bootstrap-server <host:port>", "another broker than the stack's");
command<{ json?: boolean; all?: boolean }>(
  kafka,
  "topics",
  "what topics there are, and how many records are in them",
  async (options) => (await import("./kafka/topics.ts")).topics(options),
  (each) => server(each).option("-a, --all", "those of Kafka and Connect themselves as well"),
);
command(
  kafka,
  "describe <topic>",
  "a topic's partitions and settings",
  async (options, topic = "") => (await import("./kafka/topics.ts")).describe(options, topic),
  server,
);
command(
  kafka,
  "produce <topic> [values...]",
  "write records: each value, or each line of standard input",
  async (options, topic = "", ...values) => (await import("./kafka/produce.ts")).produce(options, topic, values),
  (each) =>
    server(each)
      .option("-k, --key <key>", "the key of all of them")
      .option("--key-separator <text>", "each is a key, this, and a value")
      .option("-p, --partition <number>", "where to; by default the key decides"),
);
command(
  kafka,
  "consume <topic>",
  "read records: the latest ten, or what the options say",
  async (options, topic = "") => (await import("./kafka/consume.ts")).consume(options, topic),
  (each) =>
    server(each)
      .option("--from-beginning", "all that is there")
      .option("-f, --follow", "go on as records arrive")
      .option("-g, --group <name>", "as a member of a group: from where it stopped, and it is noted")
      .option(
        "-n, --limit <count>",
        "the latest so many; with --from-beginning, --filter or --follow, end after so many",
      )
      .option("-d, --decode", "change events of Debezium: what happened to which row")
      .option(
        "--filter <text>",
        "records with this text, or, with --decode, with name=value: op=c, key=7, user_id=1234; once more for both",
        (text: string, before: string[]) => [...before, text],
        [],
      )
      .option("-p, --partition <number>", "this partition alone"),
);
command(
  kafka,
  "groups [group]",
  "who reads what, and how far behind",
  async (options, group) => (await import("./kafka/groups.ts")).groups(options, group),
  server,
);
// Listed here to be found; what is theirs has been taken out below.
program
  .command("psql [database] [options...]")
  .description("SQL: psql with its own options, or a small one where there is none");

/** What a tool or psql is told is none of our options. */
async function runForeign([word = "", ...rest]: readonly string[]): Promise<boolean> {
  const tool = toolOf(word, rest);
  try {
    if (tool !== undefined) await (await import("./kafka/run-tool.ts")).runTool(tool.name, tool.args);
    else if (word === "psql") await (await import("./psql.ts")).psql(rest);
    else if (word.startsWith("kafka-")) throw new StackError("USAGE", `Kafka has no tool '${word}'.${toolLike(word)}`);
    else return false;
  } catch (error) {
    reportFailure(error, false);
  }
  return true;
}

/** `kafka-topics.sh …`, `kafka console-consumer …`, and `kafka topics --create …`, which is no short form. */
function toolOf(word: string, rest: readonly string[]) {
  const named = toolNamed(word);
  if (named !== undefined) return { name: named, args: rest };
  const [first = "", ...args] = rest;
  const name = word === "kafka" ? toolNamed(first, { prefixed: false }) : undefined;
  const isShort = kafka.commands.some((each) => each.name() === first);
  const meansTool = !isShort || args.some((each) => /^--(create|list|describe|alter|delete)$/.test(each));
  return name !== undefined && meansTool ? { name, args } : undefined;
}

try {
  if (!(await runForeign(process.argv.slice(2)))) await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode;
  if (wantsJson && error.exitCode !== 0) printJson({ ok: false, error: { code: "USAGE", message: error.message } });
}
