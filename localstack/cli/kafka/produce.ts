import { createInterface } from "node:readline";
import kafkajs from "kafkajs";
import { StackError } from "../../stack/errors.ts";
import { dim, green, printJson } from "../output.ts";
import { rangesOf, requireTopic, type ServerOption, withCluster } from "./cluster.ts";
import { wholeNumber } from "./consume.ts";

export interface ProduceOptions extends ServerOption {
  readonly json?: boolean;
  readonly key?: string;
  readonly keySeparator?: string;
  readonly partition?: string;
}

interface Message {
  readonly key: string | null;
  readonly value: string;
}

/** So many lines of a pipe go out together. */
const batchSize = 1_000;

/** `tripline kafka produce TOPIC [value…]`: each value, or each line of standard input, is a record. */
export async function produce(options: ProduceOptions, topic: string, values: readonly string[]): Promise<void> {
  const partition = wholeNumber("--partition", options.partition);
  const where = new Map<number, number>();
  await withCluster(options, async ({ kafka, admin }) => {
    await requireTopic(admin, topic);
    if (partition !== undefined && !(await rangesOf(admin, topic)).some((range) => range.partition === partition)) {
      throw new StackError("USAGE", `The topic '${topic}' has no partition ${partition}.`);
    }
    // A key goes where Java's clients put it.
    const producer = kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    });
    await producer.connect();
    try {
      const send = async (messages: readonly Message[]) => {
        const sent = messages.map((message) => (partition === undefined ? message : { ...message, partition }));
        const written = await producer.send({ topic, messages: sent, acks: -1 });
        for (const each of written) where.set(each.partition, Number(each.baseOffset));
      };
      await (values.length > 0 ? send(values.map((value) => messageOf(value, options))) : sendLines(options, send));
    } finally {
      await producer.disconnect();
    }
  });
  const written = [...where].map(([partition, offset]) => ({ partition, offset }));
  if (options.json) return printJson({ ok: true, topic, written });
  const places = written.map((each) => `partition ${each.partition} at offset ${each.offset}`).join(", ");
  console.error(written.length === 0 ? dim("Nothing was written.") : `${green("✔")} ${topic}: ${places}`);
}

async function sendLines(options: ProduceOptions, send: (messages: Message[]) => Promise<void>): Promise<void> {
  const { stdin } = process;
  if (stdin.isTTY) console.error(dim("One record a line; Ctrl-D ends."));
  let batch: Message[] = [];
  for await (const line of createInterface({ input: stdin })) {
    batch.push(messageOf(line, options));
    if (!stdin.isTTY && batch.length < batchSize) continue;
    await send(batch);
    batch = [];
  }
  if (batch.length > 0) await send(batch);
}

/** @throws {StackError} USAGE when a line lacks the separator that was announced */
export function messageOf(text: string, { key, keySeparator }: Pick<ProduceOptions, "key" | "keySeparator">): Message {
  if (keySeparator === undefined) return { key: key ?? null, value: text };
  const at = text.indexOf(keySeparator);
  if (at < 0)
    throw new StackError("USAGE", `There is no '${keySeparator}' in '${text}': --key-separator splits key and value.`);
  return { key: text.slice(0, at), value: text.slice(at + keySeparator.length) };
}
