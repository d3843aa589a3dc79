import { ConnectClient } from "../../../shared/connectors/connect-client.ts";
import { connectorActions } from "../api.ts";
import { orUnavailable } from "../http/errors.ts";
import { type Connectors, maskedConfig, withoutSecrets } from "./connectors.ts";

/** The connectors of a Kafka Connect with a REST API. */
export function connectorsByRest(url: string): Connectors {
  const client = new ConnectClient(url);
  const asking = <Result>(work: Promise<Result>) => orUnavailable("Kafka Connect", work);
  return {
    list: async () =>
      [...(await asking(client.list())).values()]
        .map(({ name, state, tasks, config }) => ({
          name,
          state,
          tasks: tasks.map(({ id, state: taskState, trace = null }) => ({
            id,
            state: taskState,
            trace: trace === null ? null : withoutSecrets(trace),
          })),
          config: maskedConfig(config as unknown as Record<string, string>),
          actions: connectorActions,
        }))
        .sort((a, b) => a.name.localeCompare(b.name)),
    act: (name, action) => asking(client[action](name)),
  };
}
