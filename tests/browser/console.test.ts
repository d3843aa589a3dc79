import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Admin, Kafka } from "kafkajs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { connectKafka } from "../../shared/kafka/client.ts";
import { topics } from "../../shared/kafka/topics.ts";
import { eventually, type RunningCommand, TestStack } from "../integration/stack.ts";
import { complaintsOf, launchBrowser, loaded, violationsOf } from "./browser.ts";

// The console in a browser, over the real stack, while transactions are written.

const minute = 60_000;
jest.setTimeout(2 * minute);

// They run while those of the other suites do.
const stack = new TestStack(15_000);
const address = `http://127.0.0.1:${stack.settings.ports.console}`;

let run: RunningCommand;
let kafka: Kafka;
let admin: Admin;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launchBrowser();
  const up = await stack.run("up", "--json");
  if (up.code !== 0) throw new Error(`the stack did not come up: ${up.stdout}${up.stderr}`);
  run = stack.launch("start", "--json", "--rate", "400");
  await Promise.race([
    eventually(async () => (await fetch(`${address}/api/session`)).ok || undefined, "the console", 2 * minute),
    run.done.then(({ stderr }) => {
      throw new Error(`the functions ended: ${stderr}`);
    }),
  ]);
  kafka = connectKafka({ bootstrapServers: stack.settings.bootstrapServers, clientId: "console-test" });
  admin = kafka.admin();
  await admin.connect();
  context = await browser.newContext({ baseURL: address, acceptDownloads: true });
  context.setDefaultTimeout(20_000);
  page = await context.newPage();
  complaints = complaintsOf(page);
}, 10 * minute);

afterAll(async () => {
  await browser?.close();
  await admin?.disconnect();
  if (run !== undefined) process.kill(run.pid, "SIGINT");
  await run?.done;
  await stack.remove();
}, 3 * minute);

const stage = (id: string) => page.locator(`.path > li[data-stage="${id}"]`);
const healthOf = async (id: string) => (await stage(id).getAttribute("class")) ?? "";

async function everythingWorks(): Promise<void> {
  await eventually(
    async () => (await page.getByText("Everything between a row and its alert works.").isVisible()) || undefined,
    "a path without a fault",
    minute,
  );
}

test("the overview shows the whole path, and that it works", async () => {
  await page.goto("/");
  await everythingWorks();
  expect(await page.locator(".path > li > h2").allInnerTexts()).toEqual([
    "PostgreSQL",
    "Debezium",
    "Kafka topics",
    "Functions",
    "Alerts",
  ]);
  const names = await page.locator(".path a .name").allInnerTexts();
  expect(names).toEqual(
    expect.arrayContaining(["fraud_transactions_slot", "fraud-postgres-connector", "fraud-profile-agent"]),
  );
});

test("alerts appear by themselves while transactions are written", async () => {
  const rows = page.locator("tr[data-alert]");
  await rows.first().waitFor({ timeout: 2 * minute });
  const first = await rows.first().getAttribute("data-alert");
  await eventually(
    async () => ((await rows.first().getAttribute("data-alert")) !== first ? true : undefined),
    "a newer alert at the top",
    minute,
  );
});

test("an alert says why, where it comes from, and how long it took", async () => {
  await page.goto("/alerts?agent=profile");
  await page.locator("tr[data-alert] time").first().click();
  await page.getByRole("heading", { name: "Alert", exact: true }).waitFor();
  await page
    .getByText(/× mean of \d+/)
    .first()
    .waitFor();
  const facts = await page.locator(".facts").allInnerTexts();
  expect(facts.join("\n")).toMatch(/mean\s+[\d,]+\.\d\d/);
  expect(facts.join("\n")).toContain(topics.transactions.name);
  expect(facts.join("\n")).toMatch(/partition \d+, offset [\d,]+/);
  expect(facts.join("\n")).toMatch(/delay\s+[\d.]+ m?s/);
});

test("what it was raised for is found in its topic", async () => {
  const [, transaction] = /id\s+(\d+)/.exec((await page.locator(".facts").allInnerTexts())[1] ?? "") ?? [];
  await page.getByRole("link", { name: /^partition/ }).click();
  const message = page.locator(".messages summary").first();
  await message.waitFor();
  expect(await message.innerText()).toContain(`id=${transaction} `);
  await page.goBack();
});

test("a false positive is noted, filtered by, exported, and in the audit", async () => {
  const alertId = decodeURIComponent(new URL(page.url()).pathname.split("/")[2] ?? "");
  await page.getByLabel("false positive").check();
  await page.getByLabel("Note").fill('He called, "it was me" <b>');
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("false positive by local").waitFor();
  expect(
    await stack.query("mydb", "select status, note, actor from console.cases where alert_id = $1", [alertId]),
  ).toEqual([{ status: "false_positive", note: 'He called, "it was me" <b>', actor: "local" }]);

  await page.goto("/alerts?status=false_positive");
  await page.locator("tr[data-alert]").first().waitFor();
  expect(await page.locator("tr[data-alert]").count()).toBe(1);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as CSV" }).click();
  const csv = readFileSync(await (await download).path(), "utf8");
  expect(csv.trim().split("\r\n")).toHaveLength(2);
  expect(csv).toContain(alertId);
  expect(csv).toContain('"He called, ""it was me"" <b>"');

  await page.goto("/audit");
  await page.getByRole("cell", { name: "alert.case" }).first().waitFor();
  expect(await page.locator("tbody tr").first().innerText()).toMatch(/local\s+alert\.case.*false_positive.*done/s);
});

test("an alert is acknowledged from the list, which does not jump under the reader", async () => {
  await page.goto("/alerts");
  const row = page.locator("tr[data-alert]:has(button)").first();
  await row.waitFor();
  const alertId = await row.getAttribute("data-alert");
  // Whoever has the pointer on the table reads it: new alerts wait.
  await row.hover();
  const before = await page.locator("tr[data-alert]").first().getAttribute("data-alert");
  await page.getByRole("button", { name: /new$/ }).waitFor({ timeout: minute });
  expect(await page.locator("tr[data-alert]").first().getAttribute("data-alert")).toBe(before);
  await page.locator(`tr[data-alert="${alertId}"] button`).click();
  await page.locator(`tr[data-alert="${alertId}"]`, { hasText: "acknowledged" }).waitFor();
});

test("what is typed into the filter stays while the list moves on", async () => {
  await page.goto("/alerts");
  await page.locator("tr[data-alert]").first().waitFor();
  await page.getByLabel("User", { exact: true }).fill("42");
  await page.getByLabel("Card", { exact: true }).fill("VISA");
  await page.locator('select[name="agent"]').selectOption("velocity");
  // Two rounds of the poll.
  await sleep(5_000);
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  expect(new URL(page.url()).search).toBe("?agent=velocity&user=42&card=VISA");
});

test("a case that somebody else has changed meanwhile is not written over", async () => {
  await page.goto("/alerts?status=open&agent=velocity");
  await page.locator("tr[data-alert] time").first().click();
  await page.getByRole("button", { name: "Save" }).waitFor();
  const alertId = decodeURIComponent(new URL(page.url()).pathname.split("/")[2] ?? "");
  await stack.query(
    "mydb",
    "insert into console.cases (alert_id, status, note, actor) values ($1, 'false_positive', 'mine', 'somebody')",
    [alertId],
  );
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody (somebody) has called it false positive meanwhile.").waitFor();
  expect(await stack.query("mydb", "select note from console.cases where alert_id = $1", [alertId])).toEqual([
    { note: "mine" },
  ]);
  await page.getByText("false positive by somebody").waitFor();
  await page.getByRole("button", { name: "I have seen that" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("acknowledged by local").waitFor();
});

test("earlier alerts come page by page, each once, to the last one", async () => {
  await stack.query(
    "mydb",
    `insert into fraud.alerts (alert_id, agent, rule, rule_version, transaction_id, user_id, amount_cents, reason, historical, topic, partition,
       kafka_offset, committed_at, created_at)
     select 'paged-' || each, 'profile', 'ratio', 1, -each, 42, 100000, '{}', true, 'x', 0, each, now(), now() - interval '1 hour' - each / 3 * interval '1 second'
     from generate_series(1, 120) each`,
  );
  await page.goto("/alerts?user=42");
  const rows = page.locator("tr[data-alert]");
  for (const count of [50, 100, 120]) {
    await eventually(async () => ((await rows.count()) === count ? true : undefined), `${count} alerts`);
    if (count < 120) await page.getByRole("button", { name: "Earlier alerts" }).click();
  }
  const ids = await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-alert")));
  expect(new Set(ids)).toEqual(new Set(Array.from({ length: 120 }, (_, index) => `paged-${index + 1}`)));
  expect(await page.getByRole("button", { name: "Earlier alerts" }).count()).toBe(0);
});

test("a user's page draws what they spent, with the threshold over it", async () => {
  // Somebody with a history on both sides of what was suspicious: the generator's users may have spent nothing since.
  await stack.query(
    "mydb",
    `insert into transactions (user_id, amount, card_type, merchant_id, created_at)
     select 43, case when each = 11 then 4999 else 10 + each end, 'VISA', 7, now() - (15 - each) * interval '10 seconds'
     from generate_series(1, 14) each`,
  );
  await page.goto("/alerts?user=43&agent=profile");
  const link = page.locator('tr[data-alert] a[href="/users/43"]').first();
  await link.waitFor({ timeout: minute });
  await link.click();
  await page.getByRole("heading", { name: "User 43" }).waitFor();
  const chart = page.getByRole("img", { name: /threshold above which the profile agent alerts/ });
  await chart.waitFor();
  // The threshold is there, in its colour (--second, in light), as well as the axes.
  await eventually(
    () =>
      chart.locator("canvas").evaluate((canvas: unknown) => {
        type Canvas = { width: number; height: number; getContext: (kind: "2d") => Context };
        type Context = { getImageData: (...at: number[]) => { data: Uint8Array } };
        const { width, height } = canvas as Canvas;
        const { data } = (canvas as Canvas).getContext("2d").getImageData(0, 0, width, height);
        const isNear = (at: number, value: number) => Math.abs((data[at] as number) - value) < 12;
        for (let i = 0; i < data.length; i += 4) {
          if (isNear(i, 138) && isNear(i + 1, 75) && isNear(i + 2, 0) && (data[i + 3] as number) > 100) return true;
        }
        return undefined;
      }),
    "the threshold",
  );
  expect(await page.locator("table").last().innerText()).toMatch(/profile/);
});

test("the temperature is drawn, with the last report in words", async () => {
  await stack.query("mydb", "insert into temperature_readings (sensor_id, temperature) values ('sensor-1', 21.5)");
  await stack.query(
    "mydb",
    `insert into temperature_reports (sensor_id, window_start, window_end, average, minimum, maximum, readings)
     values ('sensor-1', date_trunc('hour', now()) - interval '10 minutes', date_trunc('hour', now()), 21.5, 20, 23, 10)`,
  );
  await page.goto("/temperature");
  await page.getByText("Average temperature over the last 10 minutes: 21.50 °C (10 readings)").waitFor();
  await page
    .getByRole("img", { name: /Readings of sensor-1/ })
    .locator("canvas")
    .waitFor();
});

describe("topics and groups", () => {
  const topic = "console.test";
  const hostile = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;

  beforeAll(async () => {
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: Array.from({ length: 30 }, (_, index) => ({
        key: `key ${index}`,
        value: index === 7 ? hostile : `value ${index}`,
        partition: index % 2,
        headers: { source: hostile },
      })),
    });
    await producer.disconnect();
    await admin.setOffsets({
      groupId: "console-test",
      topic,
      partitions: [0, 1].map((partition) => ({ partition, offset: "15" })),
    });
  });

  test("are listed with partitions, records and size", async () => {
    await page.goto("/topics");
    const row = page.getByRole("row", { name: new RegExp(`^${topic}`) });
    expect((await row.innerText()).split(/\s+/).slice(0, 3)).toEqual([topic, "2", "30"]);
    await row.getByRole("link").click();
    await page.locator("summary", { hasText: "Partitions" }).click();
    expect(await page.getByRole("group", { name: "Partitions" }).innerText()).toMatch(/0\s+0\s+15\s+15/);
  });

  test("messages are browsed from the beginning, by text and by offset, at addresses that can be shared", async () => {
    await page.goto(`/topics/${topic}`);
    await page.locator(".messages li").first().waitFor();
    await page.getByLabel("From").selectOption("the beginning");
    await page.getByRole("button", { name: "Show" }).click();
    await page.locator(".messages li").first().getByText("key 0 value 0").waitFor();
    expect(await page.locator(".messages li").count()).toBe(30);

    await page.getByLabel("With the text").fill("VALUE 21");
    await page.getByRole("button", { name: "Show" }).click();
    await eventually(
      async () => ((await page.locator(".messages li").count()) === 1 ? true : undefined),
      "one message",
    );
    await page.reload();
    await page.locator(".messages li").first().waitFor();
    expect(await page.locator(".messages li").allInnerTexts()).toEqual([expect.stringContaining("value 21")]);

    await page.goto(`/topics/${topic}?partition=1&from=14`);
    await page.locator(".messages li").first().waitFor();
    expect(await page.locator(".messages li").allInnerTexts()).toEqual([expect.stringContaining("value 29")]);
  });

  test("a message that is HTML is shown as it is, and is none to the browser", async () => {
    await page.goto(`/topics/${topic}?from=start&text=onerror`);
    const message = page.locator(".messages li", { hasText: "key 7" });
    await message.locator("summary").click();
    expect(await message.locator("pre").innerText()).toBe(hostile);
    expect(await message.locator("dd").allInnerTexts()).toContain(hostile);
    expect(await page.locator("main img, main script").count()).toBe(0);
  });

  test("the offsets of a group are set, after one was told what that means", async () => {
    await page.goto("/groups");
    await page.getByRole("button", { name: "Set offsets… of console-test" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "What would happen?" }).click();
    await dialog.getByText(/30 records .*again/).waitFor();
    expect(await admin.fetchOffsets({ groupId: "console-test", topics: [topic] })).toMatchObject([
      { partitions: [{ offset: "15" }, { offset: "15" }] },
    ]);
    await dialog.getByRole("button", { name: "Set the offsets" }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(await admin.fetchOffsets({ groupId: "console-test", topics: [topic] })).toMatchObject([
      { partitions: [{ offset: "0" }, { offset: "0" }] },
    ]);
    await page.getByRole("region", { name: "console-test" }).getByText("lag 30").waitFor();
  });

  test("of an agent's group one is told that going back judges nothing again", async () => {
    await page.getByRole("button", { name: "Set offsets… of fraud-profile-agent" }).click();
    await page.getByRole("button", { name: "What would happen?" }).click();
    await page
      .getByRole("dialog")
      .getByText(/judged/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
  });
});

test("a mapping is paused and resumed, and the strip says so", async () => {
  await page.goto("/mappings");
  const mapping = page.getByRole("region", { name: "showActivity" });
  await mapping.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await mapping.getByRole("button", { name: "Resume" }).waitFor();
  await page.goto("/");
  await eventually(async () => ((await healthOf("groups")) === "fault" ? true : undefined), "a fault");
  expect(await stage("groups").locator(".problem").innerText()).toBe("Its event source mapping is paused.");
  await page.goto("/mappings");
  await mapping.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await mapping.getByRole("button", { name: "Pause" }).waitFor();
  await page.goto("/");
  await everythingWorks();
});

test("killing a connector turns the strip red, a click leads to it, and a restart turns it green", async () => {
  await page.goto("/");
  await everythingWorks();
  // It loses its database, and cannot come back by itself.
  await stack.query("mydb", "alter database activity allow_connections false");
  await stack.query("mydb", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'activity'");
  await eventually(async () => ((await healthOf("database")) === "fault" ? true : undefined), "a fault", minute);
  await page.getByText(/fault.* on the path: activity_slot/).waitFor();
  expect(await stage("database").locator(".problem").innerText()).toContain("Nobody reads it");

  await stack.query("mydb", "alter database activity allow_connections true");
  await stage("database").locator('[data-item="activity_slot"]').click();
  await page.getByRole("heading", { name: "Connectors" }).waitFor();
  const connector = page.getByRole("region", { name: "activity-connector" });
  await connector.getByRole("button", { name: "Restart" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByRole("link", { name: "Overview" }).click();
  await everythingWorks();
});

test("a click on a part of the path leads to it, however far down it is", async () => {
  await page.setViewportSize({ width: 1280, height: 400 });
  await page.goto("/");
  await page.locator('[data-item="fraud-velocity-agent"]').click();
  const group = page.getByRole("region", { name: "fraud-velocity-agent" });
  await group.waitFor();
  await eventually(
    async () =>
      ((await page.evaluate("document.activeElement.id")) === "fraud-velocity-agent" &&
        (await page.evaluate("scrollY")) !== 0) ||
      undefined,
    "the group in sight",
  );
  await page.setViewportSize({ width: 1280, height: 720 });
});

test("what a connector is configured with is shown without its password", async () => {
  await page.goto("/connectors");
  const connector = page.getByRole("region", { name: "fraud-postgres-connector" });
  await connector.getByText("Configuration", { exact: true }).click();
  expect(await connector.innerText()).toMatch(/database\.password\s+••••••••/);
  expect(await page.content()).not.toContain(stack.settings.postgres.password);
});

test("a card that is HTML is shown as it is", async () => {
  const card = `"><img src=x onerror=alert(3)>`;
  await stack.query(
    "mydb",
    `insert into transactions (user_id, amount, card_type, merchant_id)
     select 77, case when each = 7 then 4999 else 10 end, $1, 7 from generate_series(1, 7) each`,
    [card],
  );
  await page.goto(`/alerts?user=77&card=${encodeURIComponent(card)}`);
  const cell = page.locator("tr[data-alert] td.text").first();
  await cell.waitFor({ timeout: minute });
  expect(await cell.innerText()).toBe(card);
  expect(await page.locator("main img").count()).toBe(0);
  await page.goto("/users/77");
  await page.locator("td.text", { hasText: card }).first().waitFor();
});

test("a failed record is shown with its cause, and redriven once", async () => {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({
    topic: topics.transactions.name,
    messages: [{ key: "bad", value: "no change event", partition: 3 }],
  });
  await producer.disconnect();
  await page.goto("/failed-records");
  const record = page.locator(".card", { hasText: "profileAgent" }).first();
  await record.waitFor({ timeout: 2 * minute });
  expect(await record.locator("strong").innerText()).not.toBe("");
  await record.locator("summary").first().click();
  expect(await record.locator("pre").innerText()).toBe("no change event");
  await record.getByRole("button", { name: "Redrive" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Redrive" }).click();
  await page.getByText(/^redriven .* by local$/).waitFor();
  await page.goto(`/topics/${topics.transactions.name}?partition=3&text=no+change+event`);
  await page.locator(".messages li").first().waitFor();
  expect(await page.locator(".messages li").count()).toBe(2);
});

test("the page of another site reads nothing here, and does nothing", async () => {
  const elsewhere = await context.newPage();
  await elsewhere.route("http://elsewhere.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: "<p>Elsewhere" }),
  );
  await elsewhere.goto("http://elsewhere.example/");
  const read = await elsewhere.evaluate(
    `fetch("${address}/api/alerts").then((response) => response.text(), (error) => String(error))`,
  );
  expect(read).not.toContain("alertId");
  const before = await stack.query("mydb", "select count(*) as noted from console.audit");
  await elsewhere.evaluate(
    `fetch("${address}/api/connectors/activity-connector/restart", { method: "POST", mode: "no-cors", body: "{}" }).catch(String)`,
  );
  expect(await stack.query("mydb", "select count(*) as noted from console.audit")).toEqual(before);
  await elsewhere.close();
});

test("where actions are refused, the page offers none", async () => {
  await page.route("**/api/session", (route) =>
    route.fulfill({ json: { actor: "local", readOnly: true, stage: "local" } }),
  );
  await page.goto("/connectors");
  await page.getByText("read-only").waitFor();
  await page.getByRole("button", { name: "Restart" }).first().waitFor();
  expect(await page.getByRole("button", { name: "Restart" }).first().isDisabled()).toBe(true);
  await page.goto("/alerts");
  await page.locator("tr[data-alert]").first().waitFor();
  expect(await page.getByRole("button", { name: /^Acknowledge/ }).count()).toBe(0);
  await page.unroute("**/api/session");
});

const views = [
  "/",
  "/alerts",
  "/users/77",
  "/temperature",
  "/topics",
  "/topics/console.test",
  "/groups",
  "/connectors",
  "/mappings",
  "/failed-records",
  "/audit",
];

describe.each(["light", "dark"] as const)("in %s", (colorScheme) => {
  test.each(views)("axe has nothing to say of %s", async (path) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto(path);
    await loaded(page);
    expect(await violationsOf(page)).toEqual([]);
  });
});

test("on a phone nothing is wider than the screen, and axe has nothing to say", async () => {
  const phone = await browser.newContext({ baseURL: address, viewport: { width: 360, height: 740 }, isMobile: true });
  const small = await phone.newPage();
  for (const path of views) {
    await small.goto(path);
    await loaded(small);
    expect([path, await small.evaluate("document.documentElement.scrollWidth")]).toEqual([path, 360]);
  }
  await small.goto("/");
  expect(await violationsOf(small)).toEqual([]);
  await phone.close();
});

test("an address that is none is said to be none, and a first question that fails is asked again", async () => {
  await page.goto("/topics/100%25%25");
  await page.getByText("There is no topic").waitFor();
  let asked = 0;
  await page.route("**/api/session", (route) => {
    asked++;
    return asked === 1 ? route.fulfill({ status: 503, json: {} }) : route.continue();
  });
  await page.goto("/connectors");
  await eventually(
    async () =>
      (await page
        .getByRole("button", { name: "Restart" })
        .first()
        .isEnabled()
        .catch(() => false)) || undefined,
    "buttons that can be used",
  );
  await page.unroute("**/api/session");
});

test("by keyboard alone one comes from the top of the page to an action, and back out of it", async () => {
  await page.goto("/connectors");
  await page.getByRole("button", { name: "Restart" }).first().waitFor();
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toContain("To the content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Restart");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  const ways = [() => page.keyboard.press("Escape"), () => page.getByRole("button", { name: "Cancel" }).press("Enter")];
  for (const [round, leave] of [...ways, ...ways, ...ways].entries()) {
    await leave();
    await page.locator("dialog").waitFor({ state: "detached" });
    expect([round, await page.evaluate("document.activeElement.textContent")]).toEqual([round, "Restart"]);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
  }
  await page.keyboard.press("Escape");
});

test("where nobody answers the page says so, keeps what it has, and goes on by itself", async () => {
  await page.goto("/alerts");
  await page.locator("tr[data-alert]").first().waitFor();
  await context.route("**/api/**", (route) => route.abort());
  await page.getByText("What you see is from before").waitFor();
  expect(await page.locator("tr[data-alert]").count()).toBeGreaterThan(0);
  await page.getByRole("link", { name: "Topics" }).click();
  await page.getByRole("heading", { name: "Nobody answers" }).waitFor();
  await context.unroute("**/api/**");
  await page.getByRole("row", { name: new RegExp(topics.transactions.name.replaceAll(".", "\\.")) }).waitFor();
});

test("no page has complained, and no script of others has run", () => {
  expect(complaints).toEqual([]);
});
