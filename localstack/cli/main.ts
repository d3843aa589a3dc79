import { Command, CommanderError } from "commander";
import { doctor } from "./doctor.ts";
import { down } from "./down.ts";
import { logs } from "./logs.ts";
import { printJson, reportFailure } from "./output.ts";
import { reset } from "./reset.ts";
import { start } from "./start.ts";
import { status } from "./status.ts";
import { up } from "./up.ts";
import { verify } from "./verify.ts";

const program = new Command("tripline")
  .description("The local stack of Tripline: PostgreSQL, Kafka, Connect with Debezium, and a local AWS.")
  .showHelpAfterError("(add --help for the options)")
  .exitOverride();

/** A script that asked for JSON gets it even for a command line that makes no sense. */
const wantsJson = process.argv.includes("--json");
if (wantsJson) program.configureOutput({ writeErr: () => {} });

/** Every command answers --json with one JSON object, and ends with a code that is not 0 when it failed. */
function command<Options extends { json?: boolean }>(
  name: string,
  description: string,
  action: (options: Options, argument: string | undefined) => Promise<void>,
  configure: (command: Command) => Command = (each) => each,
): void {
  const defined = configure(program.command(name).description(description)).option("--json", "print one JSON object");
  defined.action(async (...args: unknown[]) => {
    const options = defined.opts<Options>();
    const argument = typeof args[0] === "string" ? args[0] : undefined;
    try {
      await action(options, argument);
    } catch (error) {
      reportFailure(error, options.json === true);
    }
  });
}

command("up", "start the stack, and end when everything answers", up, (each) =>
  each.option("--containers", "in containers instead of natively (Docker or Podman)"),
);
command("down", "stop the stack and leave no process behind", down);
command("status", "what runs, and how it is", status);
command("logs [name]", "what the servers log: supervisor, postgres, kafka, connect, aws, functions", logs, (each) =>
  each.option("-f, --follow", "go on as lines arrive").option("-n, --lines <count>", "how many lines of each", "20"),
);
command("reset", "stop the stack and remove its data; downloads are kept", reset, (each) =>
  each.option("-y, --yes", "do not ask"),
);
command("doctor", "what this machine has and lacks for the stack", doctor);
command("start", "start everything, insert transactions and show the alerts (npm start)", start, (each) =>
  each
    .option("--for <duration>", "end by itself, such as 60s or 5m (default: until Ctrl-C)")
    .option("--rate <rows>", "transactions a second", "2000")
    .option("--containers", "the stack in containers instead of natively")
    .option("--keep", "leave the stack running at the end (default: as it was before)"),
);
command("verify", "recompute in SQL which alerts must exist, and compare", verify);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode;
  if (wantsJson && error.exitCode !== 0) printJson({ ok: false, error: { code: "USAGE", message: error.message } });
}
