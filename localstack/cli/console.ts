import { consolePort, loopback, readSettings } from "../stack/settings.ts";
import { readLiveState } from "../stack/state.ts";
import { printJson, yellow } from "./output.ts";

export interface ConsoleOptions {
  readonly json?: boolean;
  readonly stage?: string;
  readonly url?: string;
  readonly port: string;
  readonly profile?: string;
  readonly region?: string;
  readonly verbose?: boolean;
}

const answerMsMax = 3_000;

/** `tripline console`: where the local one is; of a stage on AWS, an address here that signs what it is asked. */
export async function openConsole(options: ConsoleOptions): Promise<void> {
  if (options.stage !== undefined || options.url !== undefined) {
    const { openDeployedConsole } = await import("./deployed-console.ts");
    await openDeployedConsole(options);
    return;
  }
  const settings = readSettings();
  const url = `http://${loopback}:${consolePort(settings, readLiveState(settings)?.mode)}`;
  const stage = await stageAt(url);
  const answers = stage === "local";
  if (!answers) process.exitCode = 1;
  if (options.json) printJson({ ok: answers, url, answers });
  else if (answers) console.log(url);
  else if (stage === undefined) {
    console.log(
      `${yellow("!")} Nothing answers at ${url}: 'npm start', or 'npx sls offline' with the stack up, starts it.`,
    );
  } else console.log(`${yellow("!")} What answers at ${url} is the console of stage ${stage}.`);
}

/** Of which stage the console is that answers there; undefined where there is none. */
async function stageAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/api/session`, { signal: AbortSignal.timeout(answerMsMax) });
    const { stage } = (await response.json()) as { stage?: unknown };
    return typeof stage === "string" ? stage : undefined;
  } catch {
    return undefined;
  }
}
