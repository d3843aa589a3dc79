import { type FunctionDeclaration, isAskedByHttp, type Mapping, mappingsOf, type Service } from "./service.ts";
import { attribute, type Deployment, logicalId, skipping } from "./template.ts";
import { topicId } from "./topics.ts";

/** What is added to a resource that the framework makes. */
type Extension = Readonly<Record<string, unknown>>;

/** The framework's resources, with what its syntax has no place for: the service's own extensions among them. */
export function extensions(deployment: Deployment, service: Service): Readonly<Record<string, Extension>> {
  const mappings = mappingsOf(service);
  const all: Record<string, Extension> = { ...service.extensions };
  for (const mapping of mappings) all[mapping.id] = { ...all[mapping.id], ...mappingExtension(mapping) };
  for (const [functionName, { environment = {}, vpc, events = [] }] of Object.entries(service.functions)) {
    const prefix = logicalId(functionName);
    all[`${prefix}LogGroup`] = { Properties: { KmsKeyId: attribute("Key", "Arn") } };
    all[`${prefix}LambdaFunction`] = {
      ...("PGUSER" in environment ? { Properties: { Tags: tagsWithDatabase(deployment) } } : {}),
      Metadata: skipping({
        CKV_AWS_116: whyNoDeadLetter(events),
        ...(vpc === false
          ? { CKV_AWS_117: "It needs nothing of the network, and without an address there it can reach nothing in it" }
          : {}),
      }),
    };
  }
  if (Object.values(service.functions).some(isAskedByHttp)) Object.assign(all, httpApiExtensions);
  all["ServerlessDeploymentBucket"] = {
    Metadata: skipping({
      CKV_AWS_18: "It holds code that is in the repository; CloudTrail records who reads it",
      CKV_AWS_21: "A file of it is written once, under a name with its time or its content's digest",
    }),
  };
  return all;
}

function whyNoDeadLetter(events: NonNullable<FunctionDeclaration["events"]>): string {
  if (events.some(({ msk }) => msk !== undefined)) {
    return "A mapping calls it and waits: what fails is tried again, and put aside in Kafka where that is wanted";
  }
  if (isAskedByHttp({ events })) return "Whoever asks waits for the answer, and is told what went wrong";
  return events.length > 0
    ? "A run that fails is counted by an alarm, and the next one comes by itself: a dead letter would be of no use"
    : "CloudFormation or Secrets Manager calls it, waits for its answer and reports what went wrong";
}

/** The framework says twice what a resource waits for: by its name, and by asking for something of it. */
const saysTwice = { "cfn-lint": { config: { ignore_checks: ["W3005"] } } };

const httpApiExtensions: Readonly<Record<string, Extension>> = {
  HttpApiLogGroup: { Properties: { KmsKeyId: attribute("Key", "Arn") } },
  HttpApiStage: {
    Metadata: saysTwice,
    Properties: {
      // Of all callers together, and of those who are turned away: a low limit would let anybody keep everybody out. How many requests run at
      // the same time is limited by the function's concurrency.
      DefaultRouteSettings: { DetailedMetricsEnabled: false, ThrottlingBurstLimit: 1_000, ThrottlingRateLimit: 500 },
    },
  },
  HttpApiRouteGet: { Metadata: saysTwice },
  HttpApiRouteGetPageVar: { Metadata: saysTwice },
  HttpApiRoutePostApiActionVar: { Metadata: saysTwice },
};

/** A mapping begins to poll when it is made: by then there is its topic, and a way to the brokers, and what its function asks can be reached. */
function mappingExtension({ topic, failedRecords }: Mapping): Extension {
  return {
    Condition: "IsAws",
    DependsOn: [
      topicId(topic),
      ...(failedRecords === undefined ? [] : [topicId(failedRecords)]),
      "FromKafkaToKafka",
      "InKafkaFromKafka",
      ...["Database", "Endpoints"].flatMap((to) => [`FromFunctionsTo${to}`, `In${to}FromFunctions`]),
      "NotificationsEndpoint",
    ],
  };
}

/**
 * The tags of every resource, and which form of the tables a function was brought for: by naming it, the function waits for it. It
 * must not meet tables that are older than its code.
 */
function tagsWithDatabase({ stage }: Deployment): unknown[] {
  return [
    { Key: "service", Value: "tripline" },
    { Key: "stage", Value: stage },
    { Key: "database", Value: { "Fn::If": ["IsAws", attribute("PreparedDatabase", "Revision"), "emulated"] } },
  ];
}
