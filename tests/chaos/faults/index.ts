import { timing } from "./clocks.ts";
import type { Fault } from "./fault.ts";
import { network } from "./network.ts";
import { servers } from "./servers.ts";
import { state } from "./state.ts";
import { stream } from "./stream.ts";

/** In the order in which a run without --faults tries each of them once. */
export const faults: readonly Fault[] = [...servers, ...network, ...state, ...stream, ...timing];

export type { Fault, Mend } from "./fault.ts";
