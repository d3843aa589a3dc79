import { aws } from "./aws.ts";
import { connect } from "./connect.ts";
import { kafka } from "./kafka.ts";
import type { Part } from "./part.ts";
import { postgres } from "./postgres.ts";

/** In the order in which they are shown; `needs` says which waits for which. */
export const nativeParts: readonly Part[] = [postgres, kafka, connect, aws];

export type { Part, PartName } from "./part.ts";
