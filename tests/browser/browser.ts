import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { eventually } from "../integration/stack.ts";

const candidates = [
  process.env["CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** @throws when there is none, with how to get one */
export function launchBrowser(): Promise<Browser> {
  const executablePath = candidates.find((path) => path !== "" && existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      "No Chromium is installed: 'sudo apt-get install chromium', or set CHROMIUM to the path of a Chromium or Chrome.",
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      // Root has no sandbox; nothing but pages of this machine is opened.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** What a page complains of: scripts that fail, and what its policy has forbidden. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // An answer that is no success is shown by the page, and listed here by the browser.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  return complaints;
}

/** Until each part of a view has its answer. */
export async function loaded(view: Page): Promise<void> {
  await view.locator("main h1").waitFor();
  await eventually(async () => ((await view.locator("main .loading").count()) === 0 ? true : undefined), "an answer");
}

/** What keeps somebody from using the page, by the rules of axe: "color-contrast: .quiet". */
export async function violationsOf(page: Page): Promise<string[]> {
  // Through the debugger, for the page's policy lets in no script but its own.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
