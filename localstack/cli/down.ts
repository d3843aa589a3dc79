import { composeDown } from "../stack/containers.ts";
import { StackError } from "../stack/errors.ts";
import { endOrphans } from "../stack/orphans.ts";
import { endProcess } from "../stack/processes.ts";
import { readSettings, type Settings } from "../stack/settings.ts";
import { readLiveState, readState } from "../stack/state.ts";
import { green, printJson } from "./output.ts";

/** `tripline down` */
export async function down(options: { json?: boolean }): Promise<void> {
  const result = await bringDown(readSettings());
  if (options.json) printJson({ ok: true, ...result });
  else if (!result.wasRunning && result.orphans.length === 0) console.log("Nothing was running.");
  else if (!result.wasRunning)
    console.log(`${green("✔")} Ended what a killed supervisor left behind: ${result.orphans.join(", ")}`);
  else console.log(`${green("✔")} The stack is down.`);
}

/** The supervisor ends its servers within this, or they are ended for it. */
const supervisorPatienceMs = 45_000;

/** Stops the stack, with or without a living supervisor. */
export async function bringDown(
  settings: Settings,
  volumes = false,
): Promise<{ wasRunning: boolean; orphans: string[] }> {
  const mode = readState(settings)?.mode;
  const live = readLiveState(settings);
  if (live !== undefined && !(await endProcess(live.supervisor, "SIGTERM", supervisorPatienceMs))) {
    throw new StackError("START_FAILED", `The supervisor (pid ${live.supervisor.pid}) could not be ended.`);
  }
  const orphans = await endOrphans(settings);
  if (mode === "containers" && (live !== undefined || volumes)) await composeDown(volumes);
  return { wasRunning: live !== undefined, orphans };
}
