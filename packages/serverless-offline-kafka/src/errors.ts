/**
 * Every code this plugin reports, in errors and in log lines. Codes are stable: scripts and tests may look for them.
 * The prefix is the package's initials.
 */
const MAPPING_ERROR_CODES = [
  "SOK_AUTHENTICATION_INVALID",
  "SOK_BATCH_SIZE_INVALID",
  "SOK_BATCHING_WINDOW_INVALID",
  "SOK_BOOTSTRAP_SERVERS_INVALID",
  "SOK_BOOTSTRAP_SERVERS_MISSING",
  "SOK_COMMIT_FAILED",
  "SOK_COMPRESSION_UNSUPPORTED",
  "SOK_CONSUMER_GROUP_INVALID",
  "SOK_DEPENDENCY_MISSING",
  "SOK_DESTINATION_FAILED",
  "SOK_DESTINATION_INVALID",
  "SOK_EVENT_INVALID",
  "SOK_FILTER_INVALID",
  "SOK_FUNCTION_CRASHED",
  "SOK_FUNCTION_FAILED",
  "SOK_FUNCTION_RESPONSE_TYPES_INVALID",
  "SOK_FUNCTION_THROTTLED",
  "SOK_FUNCTION_TIMED_OUT",
  "SOK_INTRINSIC_UNRESOLVED",
  "SOK_POLLERS_INVALID",
  "SOK_PROPERTY_INVALID",
  "SOK_PROPERTY_NOT_FOR_KAFKA",
  "SOK_RECORD_AGE_INVALID",
  "SOK_RECORD_SCHEMA_INVALID",
  "SOK_RECORD_TOO_LARGE",
  "SOK_RECORDS_DROPPED",
  "SOK_REGISTRY_UNAVAILABLE",
  "SOK_REGISTRY_UNSUPPORTED",
  "SOK_RESPONSE_MALFORMED",
  "SOK_RETRY_ATTEMPTS_INVALID",
  "SOK_SCHEMA_REGISTRY_INVALID",
  "SOK_SECRET_INVALID",
  "SOK_SECRET_MISSING",
  "SOK_SETTINGS_INVALID",
  "SOK_STARTING_POSITION_INVALID",
  "SOK_TOPIC_INVALID",
] as const;

export type MappingErrorCode = (typeof MAPPING_ERROR_CODES)[number];

/** An error of an event source mapping: `code` says what is wrong, the message what to do about it. */
export class MappingError extends Error {
  readonly code: MappingErrorCode;

  constructor(code: MappingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MappingError";
    this.code = code;
  }
}
