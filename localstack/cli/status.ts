import { ConnectClient, type ConnectorStatus } from "../../shared/connectors/connect-client.ts";
import { reasonOf } from "../stack/errors.ts";
import { nativeParts } from "../stack/parts/index.ts";
import { isAlive, residentBytes } from "../stack/processes.ts";
import { readSettings, type Settings } from "../stack/settings.ts";
import { readLiveState, readState } from "../stack/state.ts";
import { bold, dim, formatBytes, formatDuration, green, printJson, red, table, yellow } from "./output.ts";

interface PartStatus {
  name: string;
  state: string;
  ports: number[];
  pid?: number;
  residentBytes?: number;
  uptimeMs?: number;
  restarts: number;
  detail?: string;
}

/** `tripline status`: asks every server now instead of believing a file. Ends with 1 unless everything is good. */
export async function status(options: { json?: boolean }): Promise<void> {
  const settings = readSettings();
  const live = readLiveState(settings);
  const parts = await Promise.all(nativeParts.map((part) => partStatus(settings, part)));
  const connectors = await connectorStatus(settings);
  const ok =
    live?.ready === true &&
    parts.every(({ state }) => state === "healthy" || state === "absent") &&
    connectors.every(({ state, tasks }) => state === "RUNNING" && tasks.every((task) => task.state === "RUNNING"));
  if (!ok) process.exitCode = 1;
  if (options.json) {
    printJson({ ok, mode: live?.mode, supervisor: live?.supervisor.pid, parts, connectors, declared: live?.declared });
    return;
  }
  if (live === undefined && parts.every(({ state }) => state === "stopped")) {
    console.log("The stack is not running: 'npx tripline up' starts it.");
    return;
  }
  const colour = (state: string) =>
    ["healthy", "RUNNING"].includes(state) ? green(state) : state === "absent" ? yellow(state) : red(state);
  const rows = parts.map((part) => [
    part.name,
    colour(part.state),
    part.ports.join(", "),
    part.pid ? `pid ${part.pid}` : "",
    part.residentBytes ? formatBytes(part.residentBytes) : "",
    part.uptimeMs ? formatDuration(part.uptimeMs) : "",
    [part.restarts > 0 ? `${part.restarts} restart${part.restarts > 1 ? "s" : ""}` : "", part.detail ?? ""]
      .filter(Boolean)
      .join(", "),
  ]);
  console.log(
    table([["part", "state", "ports", "process", "memory", "uptime", ""].map((title) => dim(title)), ...rows]),
  );
  if (connectors.length > 0) {
    console.log();
    console.log(
      table([
        ["connector", "state", "task"].map((title) => dim(title)),
        ...connectors.map((each) => [
          each.name,
          colour(each.state),
          each.tasks.map((task) => colour(task.state)).join(", ") || "none",
        ]),
      ]),
    );
  }
  for (const [name, report] of Object.entries(live?.declared ?? {})) {
    if (report.state === "failed") console.log(`${red("✖")} ${bold(name)}: ${report.detail}`);
    if (report.state === "waiting") console.log(`${yellow("!")} ${bold(name)}: not yet ready`);
  }
  if (live?.stopping) console.log(`${yellow("!")} The stack is stopping.`);
  if (live === undefined)
    console.log(
      `\n${red("✖")} The supervisor is gone, so nothing is kept running: 'npx tripline up' starts it afresh, 'npx tripline down' ends the rest.`,
    );
}

async function partStatus(settings: Settings, part: (typeof nativeParts)[number]): Promise<PartStatus> {
  const last = readState(settings);
  const report = last?.parts[part.name];
  const status: PartStatus = {
    name: part.name,
    state: "stopped",
    ports: part.ports(settings),
    restarts: report?.restarts ?? 0,
  };
  if (report?.state === "absent")
    return { ...status, state: "absent", ...(report.detail ? { detail: report.detail } : {}) };
  if (isAlive(report?.process)) {
    status.pid = report.process.pid;
    status.residentBytes = residentBytes(report.process.pid);
    if (report.startedAtMs) status.uptimeMs = Date.now() - report.startedAtMs;
  } else if (last?.mode !== "containers" && report?.state !== "restarting") {
    // Whoever answers on its port is not ours: another stack's server, say.
    return status;
  }
  try {
    await part.check(settings);
    status.state = "healthy";
  } catch (error) {
    if (status.pid !== undefined || report?.state === "restarting") {
      status.state = report?.state === "restarting" ? "restarting" : "unhealthy";
      status.detail = report?.detail ?? reasonOf(error);
    }
  }
  return status;
}

async function connectorStatus(settings: Settings): Promise<Pick<ConnectorStatus, "name" | "state" | "tasks">[]> {
  try {
    const all = await new ConnectClient(settings.connectUrl).list();
    return [...all.values()]
      .map(({ name, state, tasks }) => ({ name, state, tasks }))
      .sort((a, b) => a.name.localeCompare(b.name));
  } catch {
    return [];
  }
}
