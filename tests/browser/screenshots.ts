// npm run screenshots: the pictures of the console in docs/console, light and dark, of a stack of its own that has been at work for a while.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { connectKafka } from "../../shared/kafka/client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { eventually, TestStack } from "../integration/stack.ts";
import { launchBrowser, loaded } from "./browser.ts";

const stack = new TestStack(16_000);
const address = `http://127.0.0.1:${stack.settings.ports.console}`;
const folder = join(projectRoot, "docs/console");
const minute = 60_000;
/** How long transactions are written before the first picture is taken. */
const atWorkMs = 2.5 * minute;

/** Six hours of readings and reports, with a sensor that was away for a while. */
async function fillTemperature(): Promise<void> {
  await stack.query(
    "mydb",
    `insert into temperature_readings (sensor_id, temperature, recorded_at)
     select 'sensor-1', 24 + 4 * sin(each / 60.0) + random(), date_trunc('minute', now()) - each * interval '1 minute'
     from generate_series(1, 360) each where each not between 150 and 195`,
  );
  await stack.query(
    "mydb",
    `insert into temperature_reports (sensor_id, window_start, window_end, average, minimum, maximum, readings)
     select sensor_id, window_start, window_start + interval '10 minutes', avg(temperature), min(temperature), max(temperature), count(*)
     from (select *, date_bin('10 minutes', recorded_at, timestamp '2000-01-01') as window_start from temperature_readings) r
     where window_start + interval '10 minutes' <= now()::timestamp
     group by sensor_id, window_start on conflict do nothing`,
  );
}

async function writeBadRecord(): Promise<void> {
  const producer = connectKafka({
    bootstrapServers: stack.settings.bootstrapServers,
    clientId: "screenshots",
  }).producer();
  await producer.connect();
  await producer.send({
    topic: topics.transactions.name,
    messages: [{ key: "{}", value: '{"op":"c"}', partition: 0 }],
  });
  await producer.disconnect();
}

async function userWithAlerts(): Promise<number> {
  const [row] = await stack.query<{ user: number }>(
    "mydb",
    `select user_id as user from fraud.alerts where agent = 'profile' group by user_id order by count(*) desc, user_id limit 1`,
  );
  return row?.user ?? 0;
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const browser = await launchBrowser();
  const up = await stack.run("up", "--json");
  if (up.code !== 0) throw new Error(up.stderr);
  const run = stack.launch("start", "--json", "--rate", "1000");
  try {
    await eventually(async () => (await fetch(`${address}/api/session`)).ok || undefined, "the console", 2 * minute);
    await fillTemperature();
    await sleep(atWorkMs);
    const views: [name: string, path: string][] = [
      ["overview", "/"],
      ["alerts", "/alerts"],
      ["alert", ""],
      ["user", `/users/${await userWithAlerts()}`],
      ["temperature", "/temperature"],
      ["topics", "/topics"],
      ["messages", `/topics/${topics.transactions.name}`],
      ["groups", "/groups"],
      ["connectors", "/connectors"],
      ["mappings", "/mappings"],
    ];
    const take = async (shown: readonly [name: string, path: string][]) => {
      for (const colorScheme of ["light", "dark"] as const) {
        const context = await browser.newContext({
          baseURL: address,
          colorScheme,
          viewport: { width: 1280, height: 860 },
        });
        const page = await context.newPage();
        for (const [name, path] of shown) {
          if (name === "alert") {
            await page.goto("/alerts?agent=profile");
            await page.locator("tr[data-alert] time").first().click();
          } else await page.goto(path);
          await loaded(page);
          await sleep(1_500);
          await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
          console.log(`docs/console/${name}-${colorScheme}.png`);
        }
        await context.close();
      }
    };
    await take(views);
    await writeBadRecord();
    await eventually(
      async () =>
        (await (await fetch(`${address}/api/failed-records`)).text()).includes('"records":[{') ? true : undefined,
      "a failed record",
      minute,
    );
    const action = { "content-type": "application/json", "x-tripline-action": "1" };
    await fetch(`${address}/api/connectors/activity-connector/pause`, { method: "POST", headers: action, body: "{}" });
    await sleep(3_000);
    await take([
      ["failed-records", "/failed-records"],
      ["fault", "/"],
      ["audit", "/audit"],
    ]);
  } finally {
    await browser.close();
    process.kill(run.pid, "SIGINT");
    await run.done;
    await stack.remove();
  }
}

await main();
