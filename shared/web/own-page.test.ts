import { expect, test } from "@jest/globals";
import { isFromOwnPage, type Provenance } from "./own-page.ts";

const host = "127.0.0.1:8080";
const own = `http://${host}`;

test.each<[string, boolean, Partial<Provenance>]>([
  ["no page at all", true, {}],
  ["an address that was typed", true, { site: "none", mode: "navigate", path: "/alerts" }],
  ["the page's script", true, { site: "same-origin", mode: "cors" }],
  ["the page's script, with its origin", true, { site: "same-origin", origin: own }],
  ["a link to a view", true, { site: "cross-site", mode: "navigate", path: "/alerts" }],
  ["a link to an answer", false, { site: "cross-site", mode: "navigate" }],
  [
    "another site's form, which is a navigation with an origin",
    false,
    { site: "cross-site", mode: "navigate", path: "/alerts", origin: "http://evil.example" },
  ],
  ["another site's script", false, { site: "cross-site", mode: "cors", origin: "http://evil.example" }],
  ["another site's script, of an old browser", false, { origin: "http://evil.example" }],
  ["another port of this machine", false, { site: "same-site", origin: "http://127.0.0.1:3000" }],
  ["another site's picture", false, { site: "cross-site", mode: "no-cors" }],
  ["a sandboxed frame", false, { site: "cross-site", origin: "null" }],
])("%s: %p", (_, expected, given) => {
  expect(
    isFromOwnPage({ host, path: "/api/alerts", origin: undefined, site: undefined, mode: undefined, ...given }),
  ).toBe(expected);
});
