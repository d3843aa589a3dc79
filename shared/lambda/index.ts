export { type CustomResource, customResourceHandler } from "./custom-resource.ts";
export {
  createLogger,
  type LambdaHandler,
  type LambdaOptions,
  type LambdaTools,
  lambdaHandler,
  reportRecordFailures,
} from "./handler.ts";
export { LambdaInputError, parseInput } from "./input.ts";
export {
  type DecodedRecord,
  decodeRecords,
  type KafkaBatchResponse,
  KafkaEvent,
  type KafkaRecord,
  kafkaBatchResponse,
  type RecordFailure,
  takeRecords,
} from "./kafka-event.ts";
export { ScheduledEvent } from "./scheduled-event.ts";
