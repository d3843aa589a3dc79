import {
  type EventSourceMappingConfiguration,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import type { MappingView } from "../api.ts";
import { awsClientSettings } from "../aws.ts";
import { ConsoleError, orConflict, orUnavailable } from "../http/errors.ts";
import type { Mappings } from "./mappings.ts";

export interface LambdaMappingsOptions {
  /** tripline-STAGE: what the names of the stack's functions begin with. */
  readonly stackName: string;
  readonly clusterArn: string;
  readonly client?: LambdaClient;
}

/** The event source mappings of Lambda that read the stack's Kafka. What they are behind, Kafka says of their groups. */
export function mappingsOfLambda({
  stackName,
  clusterArn,
  client = new LambdaClient(awsClientSettings),
}: LambdaMappingsOptions): Mappings {
  const asking = <Result>(work: Promise<Result>) => orUnavailable("Lambda", work);

  async function all(): Promise<{ readonly uuid: string | undefined; readonly view: MappingView }[]> {
    const found: EventSourceMappingConfiguration[] = [];
    let Marker: string | undefined;
    do {
      const page = await asking(
        client.send(new ListEventSourceMappingsCommand({ EventSourceArn: clusterArn, Marker })),
      );
      found.push(...(page.EventSourceMappings ?? []));
      Marker = page.NextMarker;
    } while (Marker !== undefined && Marker !== "");
    return found
      .map((mapping) => ({ uuid: mapping.UUID, view: viewOf(mapping, `${stackName}-`) }))
      .sort((a, b) => a.view.name.localeCompare(b.view.name));
  }

  return {
    list: async () => (await all()).map(({ view }) => view),
    act: async (name, action) => {
      const found = (await all()).find(({ view }) => view.name === name);
      if (found === undefined) throw new ConsoleError("NOT_FOUND", `There is no mapping '${name}'.`);
      const change = new UpdateEventSourceMappingCommand({ UUID: found.uuid, Enabled: action === "resume" });
      await asking(orConflict(name, client.send(change)));
    },
    replay: undefined,
  };
}

function viewOf(mapping: EventSourceMappingConfiguration, prefix: string): MappingView {
  const { FunctionArn = "", Topics: [topic = ""] = [], AmazonManagedKafkaEventSourceConfig: kafka } = mapping;
  const [, deployed = FunctionArn] = /:function:([^:]+)/.exec(FunctionArn) ?? [];
  const functionName = deployed.startsWith(prefix) ? deployed.slice(prefix.length) : deployed;
  const state = stateOf(mapping);
  return {
    // Nothing that an address would have to escape.
    name: `${functionName}-${topic}`,
    functionName,
    topic,
    group: kafka?.ConsumerGroupId ?? "",
    state,
    lag: null,
    pollers: null,
    partitions: [],
    metrics: [],
    actions: state === "paused" ? ["resume"] : state === "running" || state === "failing" ? ["pause"] : [],
  };
}

/** In the words of the plugin that stands in for Lambda on a laptop; what is on its way from one to the other is in Lambda's own. */
function stateOf({ State = "", LastProcessingResult = "" }: EventSourceMappingConfiguration): string {
  if (State === "Disabled") return "paused";
  if (State === "Enabled") return LastProcessingResult.startsWith("PROBLEM") ? "failing" : "running";
  return State.toLowerCase();
}
