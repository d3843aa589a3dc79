import {
  DescribeConnectorCommand,
  KafkaConnectClient,
  ListConnectorsCommand,
  PauseConnectorCommand,
  RestartConnectorCommand,
  ResumeConnectorCommand,
} from "@aws-sdk/client-kafkaconnect";
import { connectorDeclarations } from "../../../shared/connectors/declarations.ts";
import type { ConnectorAction, ConnectorView } from "../api.ts";
import { awsClientSettings } from "../aws.ts";
import { ConsoleError, orConflict, orUnavailable } from "../http/errors.ts";
import { type Connectors, maskedConfig, withoutSecrets } from "./connectors.ts";

export interface MskOptions {
  /** tripline-STAGE: what the names of the stack's connectors begin with. */
  readonly stackName: string;
  readonly client?: KafkaConnectClient;
}

/**
 * In which state MSK Connect takes which action.
 *
 * @see https://docs.aws.amazon.com/msk/latest/developerguide/mkc-restart-connector.html
 * @see https://docs.aws.amazon.com/msk/latest/developerguide/mkc-pause-resume-connector.html
 */
const actionsByState: Readonly<Record<string, readonly ConnectorAction[]>> = {
  RUNNING: ["restart", "pause"],
  PAUSED: ["resume"],
};

/** The stack's connectors in MSK Connect, by the names that they have in this repository. */
export function connectorsOfMsk({
  stackName,
  client = new KafkaConnectClient(awsClientSettings),
}: MskOptions): Connectors {
  const prefix = `${stackName}-`;
  const asking = <Result>(work: Promise<Result>) => orUnavailable("MSK Connect", work);

  /**
   * By name. Those of a stage whose name goes on behind this one's are another stack's; of a connector that was made anew under another
   * name (resources/deployed-connectors.ts), the newest counts while the one before it is still being removed.
   */
  async function arns(): Promise<Map<string, string>> {
    const found = new Map<string, { readonly arn: string; readonly generation: number }>();
    let nextToken: string | undefined;
    do {
      const page = await asking(client.send(new ListConnectorsCommand({ connectorNamePrefix: prefix, nextToken })));
      for (const { connectorName = "", connectorArn } of page.connectors ?? []) {
        const [, name = "", digits = "0"] = /^(.*?)(?:-(\d+))?$/.exec(connectorName.slice(prefix.length)) ?? [];
        const generation = Number(digits);
        if (connectorArn === undefined || !Object.hasOwn(connectorDeclarations, name)) continue;
        if (generation >= (found.get(name)?.generation ?? 0)) found.set(name, { arn: connectorArn, generation });
      }
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return new Map([...found].map(([name, { arn }]) => [name, arn]));
  }

  async function view(name: string, connectorArn: string): Promise<ConnectorView> {
    const {
      connectorState: state = "UNKNOWN",
      connectorConfiguration = {},
      stateDescription,
    } = await asking(client.send(new DescribeConnectorCommand({ connectorArn })));
    return {
      name,
      state,
      // Debezium has one task, of which MSK Connect says nothing: its connector goes on "running" when it has ended with an error.
      tasks: [
        {
          id: 0,
          state: state === "RUNNING" ? "UNKNOWN" : state,
          trace: stateDescription?.message === undefined ? null : withoutSecrets(stateDescription.message),
        },
      ],
      config: maskedConfig(connectorConfiguration),
      actions: actionsByState[state] ?? [],
    };
  }

  return {
    list: async () => {
      const views = await Promise.all([...(await arns())].map(([name, arn]) => view(name, arn)));
      return views.sort((a, b) => a.name.localeCompare(b.name));
    },
    act: async (name, action) => {
      const connectorArn = (await arns()).get(name);
      if (connectorArn === undefined) throw new ConsoleError("NOT_FOUND", `There is no connector '${name}'.`);
      await asking(orConflict(name, tell(client, connectorArn, action)));
    },
  };
}

function tell(client: KafkaConnectClient, connectorArn: string, action: ConnectorAction): Promise<unknown> {
  switch (action) {
    case "restart":
      return client.send(new RestartConnectorCommand({ connectorArn }));
    case "pause":
      return client.send(new PauseConnectorCommand({ connectorArn }));
    case "resume":
      return client.send(new ResumeConnectorCommand({ connectorArn }));
  }
}
