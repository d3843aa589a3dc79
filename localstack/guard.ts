import { connect } from "node:net";
import { requireFreePorts } from "./run/free-ports.ts";

/** The part of the framework that is used here. */
interface Serverless {
  getProvider(name: "aws"): { getStage(): string };
  readonly service: {
    readonly custom: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly provider: { readonly environment: Readonly<Record<string, unknown>> };
    getFunction(name: string): { readonly vpc?: unknown };
  };
  /** What the framework shows by its message alone, without a trace. */
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
}

/** `--function`, `--httpPort` and the like. */
type Options = Readonly<Record<string, unknown>>;

const answerMsMax = 2_000;

/** Says what a laptop lacks before functions start on it, in place of a trace from their inside. */
export default class LocalGuard {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;

  constructor(serverless: Serverless, options: Options) {
    const locally = (check: () => Promise<void>) => async () => {
      if (serverless.getProvider("aws").getStage() !== "local") return;
      try {
        await check();
      } catch (error) {
        throw new serverless.classes.Error((error as Error).message, "TRIPLINE_REFUSED");
      }
    };
    const checkPorts = locally(() => requireFreePorts(portsOf(serverless, options)));
    this.hooks = {
      // The first is `sls offline`, the second `sls offline start`.
      "before:offline:start": checkPorts,
      "before:offline:start:init": checkPorts,
      "before:invoke:local:invoke": locally(() => requireDatabase(serverless, options)),
    };
  }
}

function portsOf({ service: { custom } }: Serverless, options: Options): number[] {
  const offline = custom["serverless-offline"];
  return [
    options["httpPort"] ?? offline?.["httpPort"],
    options["lambdaPort"] ?? offline?.["lambdaPort"],
    custom["serverless-offline-kafka"]?.["admin"],
  ]
    .map(Number)
    .filter(Number.isInteger);
}

/** Functions outside of the network ask PostgreSQL nothing. */
async function requireDatabase({ service }: Serverless, options: Options): Promise<void> {
  if (service.getFunction(String(options["function"])).vpc === false) return;
  const { PGHOST, PGPORT } = service.provider.environment;
  const [host, port] = [String(PGHOST), Number(PGPORT)];
  if (await answers(host, port)) return;
  throw new Error(`PostgreSQL does not answer at ${host}:${port}: 'npx tripline up' starts the stack.`);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: answerMsMax });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
