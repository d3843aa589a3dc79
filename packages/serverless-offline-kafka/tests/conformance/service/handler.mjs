import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";

const textOf = (event) => Buffer.from(Object.values(event.records)[0][0].value, "base64").toString();

/** Does something bad when the record says so. */
const handler = (name, bad) => async (event) => {
  const value = textOf(event);
  console.log(`${name} got ${value} in thread ${threadId}`);
  if (value === "bad") await bad();
};

export const throws = handler("throws", () => {
  throw new Error("thrown by the handler");
});

export const rejects = handler("rejects", async () => {
  setImmediate(() => {
    throw new Error("thrown outside of the handler");
  });
  await new Promise(() => {});
});

export const exits = handler("exits", () => process.exit(3));

export const timesOut = handler("timesOut", () => new Promise(() => {}));

/** Runs until the file that the record names is there. */
export const throttled = async (event) => {
  const path = textOf(event);
  console.log(`throttled got ${path}`);
  while (!existsSync(path)) await sleep(20);
};
