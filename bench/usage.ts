// What a process has used, read from outside: proc(5). A process counts with its threads and its children.
import { readFileSync } from "node:fs";
import { descendants, procStat } from "../localstack/stack/processes.ts";

/** Linux counts CPU time in hundredths of a second, whatever the kernel's own clock (sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;

/** CPU seconds that the process and its children have used, those that have ended included. */
export function cpuSeconds(pid: number): number {
  return [pid, ...descendants(pid)].reduce((ticks, each) => ticks + ticksOf(each, 4), 0) / ticksPerSecond;
}

/** CPU seconds of the process alone: for one whose children are counted for themselves. */
export function cpuSecondsWithoutChildren(pid: number): number {
  return ticksOf(pid, 2) / ticksPerSecond;
}

/** The most memory that the process has had resident, its children's most added. */
export function memoryPeakBytes(pid: number): number {
  let bytes = 0;
  for (const each of [pid, ...descendants(pid)]) {
    try {
      bytes += Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${each}/status`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
      // It ended while we looked.
    }
  }
  return bytes;
}

/** The first `fields` of: utime, stime, and the same of children that were waited for. They are the fields 14 to 17. */
function ticksOf(pid: number, fields: number): number {
  const stat = procStat(pid) ?? [];
  return stat.slice(11, 11 + fields).reduce((ticks, each) => ticks + Number(each), 0);
}
