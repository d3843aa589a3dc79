/** CloudWatch's metrics of an event source mapping, by AWS's names [monitoring-metrics-types, with-kafka-esm]. */
export const METRIC_NAMES = [
  "PolledEventCount",
  "FilteredOutEventCount",
  "InvokedEventCount",
  "FailedInvokeEventCount",
  "DroppedEventCount",
  "OnFailureDestinationDeliveredEventCount",
  "CommittedEventCount",
  "PollingErrorCount",
  "InvokeErrorCount",
  "CommitErrorCount",
] as const;

export type MetricName = (typeof METRIC_NAMES)[number];

/** Counters since the start of the mapping. On AWS they are sums of a minute. */
export class Metrics {
  readonly #counts = Object.fromEntries(METRIC_NAMES.map((name) => [name, 0])) as Record<MetricName, number>;

  add(name: MetricName, count: number): void {
    this.#counts[name] += count;
  }

  get(name: MetricName): number {
    return this.#counts[name];
  }

  read(): Readonly<Record<MetricName, number>> {
    return { ...this.#counts };
  }
}
