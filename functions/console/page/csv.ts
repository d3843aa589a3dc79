import { csvOf, csvTitles } from "../alerts/csv.ts";
import type { AlertPage } from "../api.ts";
import { get } from "./client.ts";
import { addressOf } from "./router.ts";

const pageSize = "1000";
/** More than a spreadsheet opens; whoever wants all of them asks PostgreSQL. */
const rowsMax = 1_000_000;

/**
 * Saves the alerts of a filter as a file. They are fetched page by page, for an answer of Lambda has at most 6 MB, and what has come until
 * the newest page is what is exported, however many come meanwhile.
 */
export async function saveCsv(
  filter: Readonly<Record<string, string | undefined>>,
  progress: (rows: number) => void,
): Promise<void> {
  const parts = [csvTitles];
  let rows = 0;
  let before: string | undefined;
  do {
    const page: AlertPage = await get(addressOf("/api/alerts", { ...filter, limit: pageSize, before }));
    parts.push(csvOf(page.alerts));
    rows += page.alerts.length;
    progress(rows);
    before = page.next ?? undefined;
  } while (before !== undefined && rows < rowsMax);
  // With the mark that makes Excel read UTF-8.
  const url = URL.createObjectURL(new Blob(["\ufeff", ...parts], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `alerts-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
