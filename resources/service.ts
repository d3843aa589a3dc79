import { logicalId } from "./template.ts";

/** What is read of a function in serverless.yml. */
export interface FunctionDeclaration {
  readonly events?: readonly {
    readonly msk?: { readonly topic: string; readonly consumerGroupId: string };
    readonly schedule?: string;
    readonly httpApi?: unknown;
  }[];
  readonly environment?: Readonly<Record<string, string>>;
  /** false: not in the network. */
  readonly vpc?: unknown;
}

/** By an HTTP API, whose only one is the console's. */
export function isAskedByHttp({ events = [] }: Pick<FunctionDeclaration, "events">): boolean {
  return events.some(({ httpApi }) => httpApi !== undefined);
}

/** What is read of serverless.yml: so that a new function needs an entry there, and none here. */
export interface Service {
  readonly functions: Readonly<Record<string, FunctionDeclaration>>;
  /** What the framework's syntax of a mapping lacks, by logical id. */
  readonly extensions: Readonly<Record<string, { readonly Properties: Readonly<Record<string, unknown>> }>>;
}

export interface Mapping {
  readonly functionName: string;
  /** Its logical id: the framework's name for the mapping of a cluster with the logical id KafkaCluster. */
  readonly id: string;
  readonly topic: string;
  readonly group: string;
  /** Where records are put aside, when that is in Kafka. */
  readonly failedRecords: string | undefined;
}

/** Every mapping that reads Kafka. */
export function mappingsOf({ functions, extensions }: Service): Mapping[] {
  return Object.entries(functions).flatMap(([functionName, { events = [] }]) =>
    events.flatMap(({ msk }) => {
      if (msk === undefined) return [];
      const topicName = msk.topic.replaceAll(/[^A-Za-z0-9]/g, "");
      const id = `${logicalId(functionName)}EventSourceMappingMSKKafkaCluster${logicalId(topicName)}`;
      const destination = (
        extensions[id]?.Properties["DestinationConfig"] as { OnFailure?: { Destination?: string } } | undefined
      )?.OnFailure?.Destination;
      return [
        {
          functionName,
          id,
          topic: msk.topic,
          group: msk.consumerGroupId,
          failedRecords: /^kafka:\/\/(.+)$/.exec(destination ?? "")?.[1],
        },
      ];
    }),
  );
}
