import type { ConnectorAction, ConnectorList, ConnectorView, Health } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { post } from "../client.ts";
import { useLive } from "../live.ts";
import { Answer, Card, type Deed, DeedButton, Empty, Heading, State, Table } from "../ui.tsx";

export function Connectors({ readOnly }: ViewProps) {
  const live = useLive<ConnectorList>("/api/connectors", 2_000);
  return (
    <>
      <Heading title="Connectors" />
      <Answer live={live}>
        {({ connectors }) =>
          connectors.length === 0 ? (
            <Empty title="No connectors">
              <p>They are declared in the repository, and registered when the stack starts.</p>
            </Empty>
          ) : (
            connectors.map((connector) => (
              <Connector key={connector.name} connector={connector} readOnly={readOnly} changed={live.refresh} />
            ))
          )
        }
      </Answer>
    </>
  );
}

function healthOf(state: string): Health {
  if (state === "RUNNING") return "ok";
  // MSK Connect does not say how a task is.
  if (state === "UNKNOWN") return "unknown";
  return ["FAILED", "PAUSED", "STOPPED"].includes(state) ? "fault" : "attention";
}

/** What an action means, for whoever is about to take it. */
const deeds: Readonly<Record<ConnectorAction, (name: string) => Omit<Deed, "run">>> = {
  restart: (name) => ({
    label: "Restart",
    title: `Restart ${name}?`,
    description:
      "It stops and goes on where it was. What it had read and not yet noted down comes again; the agents tell that apart.",
  }),
  pause: (name) => ({
    label: "Pause",
    title: `Pause ${name}?`,
    description:
      "Nothing is captured until it is resumed. PostgreSQL keeps the write-ahead log that it has not read, up to its limit (max_slot_wal_keep_size); behind that, rows are lost to it.",
    isDangerous: true,
  }),
  resume: (name) => ({
    label: "Resume",
    title: `Resume ${name}?`,
    description: "It goes on where it stopped.",
  }),
};

interface ConnectorProps {
  readonly connector: ConnectorView;
  readonly readOnly: boolean;
  readonly changed: () => void;
}

function Connector({ connector: { name, state, tasks, config, actions }, readOnly, changed }: ConnectorProps) {
  const offered = actions.filter((action) => action === "restart" || (action === "pause") === (state === "RUNNING"));
  return (
    <Card id={name} label={name}>
      <header>
        <h2 class="text">{name}</h2>
        <State health={healthOf(state)}>{state}</State>
        {tasks.map((task) => (
          <State key={task.id} health={healthOf(task.state)}>
            task {task.id} {task.state}
          </State>
        ))}
        <span class="buttons">
          {offered.map((action) => (
            <DeedButton
              key={action}
              disabled={readOnly}
              done={changed}
              deed={{
                ...deeds[action](name),
                run: () => post(`/api/connectors/${encodeURIComponent(name)}/${action}`),
              }}
            />
          ))}
        </span>
      </header>
      {tasks.map(
        (task) =>
          task.trace !== null && (
            <details key={task.id} open>
              <summary>Why task {task.id} failed</summary>
              <pre>{task.trace}</pre>
            </details>
          ),
      )}
      <details>
        <summary>Configuration</summary>
        <Table caption={`Configuration of ${name}`} columns={["Name", "Value"]}>
          {config.map((entry) => (
            <tr key={entry.name}>
              <td class="mono">{entry.name}</td>
              <td class="mono text">{entry.value}</td>
            </tr>
          ))}
        </Table>
      </details>
    </Card>
  );
}
