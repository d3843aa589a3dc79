import { endOrphanedFunctions } from "../run/functions.ts";
import { composeDown } from "../stack/containers.ts";
import { StackError } from "../stack/errors.ts";
import { exclusively } from "../stack/lock.ts";
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

interface BroughtDown {
  wasRunning: boolean;
  orphans: string[];
}

/** Stops the stack, with or without a living supervisor. */
export async function bringDown(settings: Settings): Promise<BroughtDown> {
  return exclusively(settings, () => takeDown(settings, false));
}

/** What bringDown does, for a command that keeps others away already; with `volumes` the containers' data goes too. */
export async function takeDown(settings: Settings, volumes: boolean): Promise<BroughtDown> {
  const state = readState(settings);
  const live = readLiveState(settings);
  if (live !== undefined && !(await endProcess(live.supervisor, "SIGTERM", supervisorPatienceMs))) {
    throw new StackError("START_FAILED", `The supervisor (pid ${live.supervisor.pid}) could not be ended.`);
  }
  const functionsEnded = await endOrphanedFunctions(settings);
  const orphans = [...(functionsEnded ? ["functions"] : []), ...(await endOrphans(settings))];
  // Containers outlive a supervisor that was killed, and `stopping` says whether it was.
  if (state?.mode === "containers" && (live !== undefined || volumes || !state.stopping)) {
    await composeDown(volumes);
    if (live === undefined) orphans.push("containers");
  }
  return { wasRunning: live !== undefined, orphans };
}
