// How fast Debezium alone streams: npm run bench:capture [-- ROWS]. Needs a running stack (npx tripline up) and no functions.
// Pauses the connector, inserts the rows, resumes it, and times the messages that arrive in the topic.
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../localstack/run/database.ts";
import { insertTransactions, TransactionSource } from "../localstack/run/generator.ts";
import { readSettings } from "../localstack/stack/settings.ts";
import { connectKafka } from "../shared/kafka/client.ts";
import { topics } from "../shared/kafka/topics.ts";

const rows = Number(process.argv[2] ?? 500_000);
const settings = readSettings();
const pool = connectTo(settings, "mydb");
const admin = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-bench" }).admin();
await admin.connect();
const connector = `${settings.connectUrl}/connectors/fraud-postgres-connector`;
const messages = async () =>
  (await admin.fetchTopicOffsets(topics.transactions.name)).reduce((sum, { high }) => sum + Number(high), 0);
const taskState = async () =>
  ((await (await fetch(`${connector}/status`)).json()) as { tasks: { state: string }[] }).tasks[0]?.state;

await fetch(`${connector}/pause`, { method: "PUT" });
let before: number;
try {
  while ((await taskState()) !== "PAUSED") await sleep(100);
  before = await messages();
  const source = new TransactionSource();
  for (let left = rows; left > 0; left -= 1_000) {
    await insertTransactions(
      pool,
      Array.from({ length: Math.min(left, 1_000) }, () => source.next()),
    );
  }
} finally {
  // A connector that is left paused stays so: nobody would read the table any more.
  await fetch(`${connector}/resume`, { method: "PUT" });
}
let [first, best, last] = [0, 0, { atMs: Date.now(), messages: before }];
for (let now = before; now < before + rows; ) {
  await sleep(500);
  now = await messages();
  const atMs = Date.now();
  if (first === 0 && now > before) first = last.atMs;
  best = Math.max(best, ((now - last.messages) * 1000) / (atMs - last.atMs));
  last = { atMs, messages: now };
}
console.log(
  JSON.stringify({
    rows,
    seconds: (last.atMs - first) / 1000,
    rowsPerSecond: Math.round((rows * 1000) / (last.atMs - first)),
    bestRowsPerSecond: Math.round(best),
  }),
);
await admin.disconnect();
await pool.end();
