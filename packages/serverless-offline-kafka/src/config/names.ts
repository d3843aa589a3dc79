/** What an `AWS::Lambda::EventSourceMapping` may have for Kafka [CloudFormation; msk-esm-parameters, kafka-esm-parameters]. */
export const MAPPING_PROPERTIES = [
  "AmazonManagedKafkaEventSourceConfig",
  "BatchSize",
  "BisectBatchOnFunctionError",
  "DestinationConfig",
  "Enabled",
  "EventSourceArn",
  "FilterCriteria",
  "FunctionName",
  "FunctionResponseTypes",
  "MaximumBatchingWindowInSeconds",
  "MaximumRecordAgeInSeconds",
  "MaximumRetryAttempts",
  "ProvisionedPollerConfig",
  "SelfManagedEventSource",
  "SelfManagedKafkaEventSourceConfig",
  "SourceAccessConfigurations",
  "StartingPosition",
  "StartingPositionTimestamp",
  "Topics",
  // These concern the resource, its logs and its bill; they change nothing of what a function sees.
  "KmsKeyArn",
  "LoggingConfig",
  "MetricsConfig",
  "Tags",
] as const;

/** What AWS refuses for Kafka, and the sources that it is for [API_CreateEventSourceMapping]. */
export const PROPERTIES_OF_OTHER_SOURCES: ReadonlyMap<string, string> = new Map([
  ["DocumentDBEventSourceConfig", "DocumentDB"],
  ["ParallelizationFactor", "Kinesis and DynamoDB"],
  ["Queues", "Amazon MQ"],
  ["ScalingConfig", "SQS"],
  ["TumblingWindowInSeconds", "Kinesis and DynamoDB"],
]);

/** More edits than this do not make a misspelt name. */
const EDITS_MAX = 3;

/** The name that was probably meant: the same but for capitals, or a few edits away. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.min(EDITS_MAX, Math.floor(name.length / 2)) + 1;
  for (const candidate of known) {
    // Compared by length first: a name may be as long as anybody likes.
    if (Math.abs(candidate.length - name.length) >= fewest) continue;
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [candidate, edits];
  }
  return nearest;
}

/** Levenshtein's distance. */
function editsBetween(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[other.length] ?? 0;
}
