import { MappingError } from "../errors.ts";

/** What `keySchemaMetadata` and `valueSchemaMetadata` call the formats [services-consume-kafka-events]. */
export type DataFormat = "AVRO" | "JSON" | "PROTOBUF";

/** What a record says of the schema that its key or value was checked with. Confluent's numbers are strings here. */
export interface SchemaMetadata {
  readonly dataFormat: DataFormat;
  readonly schemaId: string;
}

/** A schema and all that it refers to. */
export interface RegisteredSchema {
  readonly format: DataFormat;
  readonly text: string;
  /** By the names that schemas import them with; what others need comes first. */
  readonly references: ReadonlyArray<{ readonly name: string; readonly text: string }>;
}

/**
 * Checks a payload (what follows the schema's id) against one schema, and returns what writes it as JSON. Separate,
 * since EventRecordFormat SOURCE needs the check alone.
 * @throws whatever the library throws: the payload does not match.
 */
export type SchemaReader = (payload: Buffer) => () => string;

/** AWS's reason codes for a record that is not delivered [services-consume-kafka-events, how schemas are validated]. */
export type SchemaFailureReason = "DESERIALIZATION_ERROR" | "SCHEMA_NOT_FOUND";

/** A record that goes to the on-failure destination with this reason, and is dropped where there is none. */
export class RecordSchemaError extends MappingError {
  readonly reason: SchemaFailureReason;

  constructor(reason: SchemaFailureReason, message: string, options?: ErrorOptions) {
    super("SOK_RECORD_SCHEMA_INVALID", message, options);
    this.name = "RecordSchemaError";
    this.reason = reason;
  }
}
