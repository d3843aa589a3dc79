import type { EventEnvelope } from "../delivery/event.ts";

/** Where a mapping begins in a partition that its consumer group has no offset for. */
export type StartingPosition =
  | { readonly kind: "LATEST" }
  | { readonly kind: "TRIM_HORIZON" }
  | { readonly kind: "AT_TIMESTAMP"; readonly timestampMs: number };

/** As a line in a terminal has it. */
export function describePosition(position: StartingPosition): string {
  return position.kind === "AT_TIMESTAMP"
    ? `AT_TIMESTAMP ${new Date(position.timestampMs).toISOString()}`
    : position.kind;
}

/** How many event pollers a mapping has: AWS's choice (on demand), or within bounds (ProvisionedPollerConfig). */
export type Scaling =
  | { readonly kind: "onDemand" }
  | { readonly kind: "provisioned"; readonly pollersMin: number; readonly pollersMax: number };

/** Where a batch goes that is given up [kafka-on-failure, kafka-on-failure-destination]. */
export type DestinationConfig =
  | { readonly kind: "sqs"; readonly arn: string }
  | { readonly kind: "sns"; readonly arn: string }
  | { readonly kind: "s3"; readonly arn: string }
  /** `kafka://topic`, in the cluster of the source. */
  | { readonly kind: "kafka"; readonly topic: string };

/** SourceAccessConfigurations with a meaning for the connection: `uri` is the ARN of a secret in Secrets Manager. */
export interface AccessConfiguration {
  readonly type:
    | "BASIC_AUTH"
    | "SASL_SCRAM_256_AUTH"
    | "SASL_SCRAM_512_AUTH"
    | "CLIENT_CERTIFICATE_TLS_AUTH"
    | "SERVER_ROOT_CA_CERTIFICATE";
  readonly uri: string;
}

/** SchemaRegistryConfig [services-consume-kafka-events]. */
export interface SchemaRegistryConfig {
  /** `https://…` of a Confluent-compatible registry, or the ARN of a Glue registry. */
  readonly uri: string;
  /** JSON: the function gets JSON. SOURCE: it gets the bytes as they were, checked. */
  readonly eventRecordFormat: "JSON" | "SOURCE";
  /** What is validated (and decoded): any of the two, at least one. */
  readonly attributes: ReadonlyArray<"KEY" | "VALUE">;
  readonly access: ReadonlyArray<{
    readonly type: "BASIC_AUTH" | "CLIENT_CERTIFICATE_TLS_AUTH" | "SERVER_ROOT_CA_CERTIFICATE";
    readonly uri: string;
  }>;
}

/** One event source mapping, read and checked. */
export interface MappingConfig {
  /** Of the `AWS::Lambda::EventSourceMapping` that a deployment would make. */
  readonly logicalId: string;
  readonly functionKey: string;
  /** As CloudFormation would make it; account 000000000000 where nobody knows the account. */
  readonly functionArn: string;
  readonly topic: string;
  readonly groupId: string;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly startingPosition: StartingPosition;
  readonly reportBatchItemFailures: boolean;
  /** FilterCriteria's patterns, each as an object; a record that matches any of them is invoked. None: all are. */
  readonly filterPatterns: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly scaling: Scaling;
  /** Invocations after the first one; Infinity for ever. */
  readonly retryAttemptsMax: number;
  /** Infinity for ever. */
  readonly recordAgeMsMax: number;
  readonly bisectBatchOnFunctionError: boolean;
  readonly onFailure: DestinationConfig | undefined;
  readonly schemaRegistry: SchemaRegistryConfig | undefined;
  /** How to authenticate with the local brokers; empty for none. */
  readonly access: readonly AccessConfiguration[];
  /** Whether the local brokers speak TLS; undefined: where certificates are configured. */
  readonly tls: boolean | undefined;
  /** Where this mapping reads locally. */
  readonly bootstrapServers: readonly string[];
  /** What the function sees of the cluster. */
  readonly envelope: EventEnvelope;
}
