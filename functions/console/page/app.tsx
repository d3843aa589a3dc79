import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import type { Session } from "../api.ts";
import { RequestError } from "./client.ts";
import { useLive } from "./live.ts";
import { type Address, follow, useAddress } from "./router.ts";
import { ThemeButton } from "./theme.tsx";
import { Empty, Failure, Heading } from "./ui.tsx";
import { Alert } from "./views/alert.tsx";
import { Alerts } from "./views/alerts.tsx";
import { Audit } from "./views/audit.tsx";
import { Connectors } from "./views/connectors.tsx";
import { FailedRecords } from "./views/failed-records.tsx";
import { Groups } from "./views/groups.tsx";
import { Mappings } from "./views/mappings.tsx";
import { Overview } from "./views/overview.tsx";
import { Temperature } from "./views/temperature.tsx";
import { Topic } from "./views/topic.tsx";
import { Topics } from "./views/topics.tsx";
import { User } from "./views/user.tsx";

const navigation = [
  ["/", "Overview"],
  ["/alerts", "Alerts"],
  ["/temperature", "Temperature"],
  ["/topics", "Topics"],
  ["/groups", "Groups"],
  ["/connectors", "Connectors"],
  ["/mappings", "Mappings"],
  ["/failed-records", "Failed records"],
  ["/audit", "Audit"],
] as const;

/** What a view gets besides its address. */
export interface ViewProps {
  readonly address: Address;
  readonly readOnly: boolean;
}

export function App() {
  const address = useAddress();
  const { data: session } = useLive<Session>("/api/session", undefined);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.addEventListener("click", follow);
    return () => document.removeEventListener("click", follow);
  }, []);
  // Whoever does not see the page is told that there is another one.
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else if (location.hash === "") main.current?.querySelector("h1")?.focus();
  }, [address.path]);
  return (
    <div class="frame">
      <a class="skip" href="#content">
        To the content
      </a>
      <nav aria-label="Views">
        <a class="brand" href="/">
          <svg viewBox="0 0 32 20" aria-hidden="true">
            <path d="M1 15H11L16 4 21 15H31" />
            <circle cx="16" cy="4" r="3" />
          </svg>
          Tripline
        </a>
        <ul>
          {navigation.map(([href, title]) => (
            <li key={href}>
              <a href={href} aria-current={isWithin(address.path, href) ? "page" : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
        <footer>
          {session !== undefined && (
            <p>
              stage {session.stage}
              {session.readOnly && <strong> · read-only</strong>}
              <br />
              <span class="quiet">acting as {session.actor}</span>
            </p>
          )}
          <ThemeButton />
        </footer>
      </nav>
      <main id="content" ref={main}>
        <SafeView address={address} readOnly={session?.readOnly ?? true} />
      </main>
    </div>
  );
}

function isWithin(path: string, href: string): boolean {
  if (href === "/alerts" && path.startsWith("/users/")) return true;
  return href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A view that fails says so in its place; the way to the others stays. */
function SafeView(props: ViewProps) {
  const [error, reset] = useErrorBoundary();
  useEffect(reset, [props.address.path]);
  if (error === undefined) return <View {...props} />;
  return (
    <>
      <Heading title="Something went wrong" />
      <Failure error={new RequestError("INTERNAL", `This view cannot be shown: ${String(error)}`)} retry={reset} />
    </>
  );
}

function View(props: ViewProps) {
  const [, view = "", id] = props.address.path.split("/");
  const name = id === undefined || id === "" ? undefined : decoded(id);
  switch (view) {
    case "":
      return <Overview {...props} />;
    case "alerts":
      return name === undefined ? <Alerts {...props} /> : <Alert key={name} {...props} alertId={name} />;
    case "users":
      if (name !== undefined) return <User key={name} {...props} userId={name} />;
      break;
    case "temperature":
      return <Temperature {...props} />;
    case "topics":
      return name === undefined ? <Topics {...props} /> : <Topic key={name} {...props} name={name} />;
    case "groups":
      return <Groups {...props} />;
    case "connectors":
      return <Connectors {...props} />;
    case "mappings":
      return <Mappings {...props} />;
    case "failed-records":
      return <FailedRecords {...props} />;
    case "audit":
      return <Audit {...props} />;
  }
  return (
    <>
      <Heading title="Not here" />
      <Empty title="There is no such view">
        <p>
          <a href="/">To the overview</a>
        </p>
      </Empty>
    </>
  );
}
