/** The first byte of what Confluent's serializers write; others are not specified [Confluent, "Wire format"]. */
const MAGIC_BYTE = 0;
/** The magic byte and the schema's id. */
const HEADER_BYTES = 5;
/** Levels of nested messages; the parser of protoc stops there, too. */
const MESSAGE_INDEXES_MAX = 32;
/** Of a 32-bit varint. */
const VARINT_BYTES_MAX = 5;

export interface Frame {
  readonly schemaId: number;
  /** A view, not a copy. */
  readonly payload: Buffer;
}

/** @throws {Error} that says what is wrong with the frame. */
export function parseFrame(bytes: Buffer): Frame {
  if (bytes.length < HEADER_BYTES) {
    throw new Error(`${bytes.length} bytes are too short for the magic byte and the id of a schema`);
  }
  if (bytes[0] !== MAGIC_BYTE) {
    throw new Error(`it begins with byte ${bytes[0]} instead of the magic byte 0: no registry's serializer wrote it`);
  }
  const schemaId = bytes.readInt32BE(1);
  if (schemaId < 0) throw new Error(`${schemaId} is no id of a schema`);
  return { schemaId, payload: bytes.subarray(HEADER_BYTES) };
}

export interface IndexedMessage {
  /** Where in the file the message's type is: the first number counts the top level, the next its nested types, … */
  readonly indexes: readonly number[];
  readonly message: Buffer;
}

/**
 * Reads the message indexes before a Protobuf message: their count and they themselves, zigzag varints each; a lone 0
 * stands for the first message of the file.
 * @throws {Error} that says what is wrong with them.
 */
export function parseMessageIndexes(payload: Buffer): IndexedMessage {
  let offset = 0;
  const next = (): number => {
    let raw = 0;
    for (let shift = 0; shift < VARINT_BYTES_MAX * 7; shift += 7) {
      const byte = payload[offset++];
      if (byte === undefined) throw new Error("the message indexes end too early");
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw new Error("a message index is longer than 32 bits");
  };
  const count = next();
  if (count === 0) return { indexes: [0], message: payload.subarray(offset) };
  if (count < 0 || count > MESSAGE_INDEXES_MAX) throw new Error(`${count} is no number of message indexes`);
  const indexes = Array.from({ length: count }, next);
  return { indexes, message: payload.subarray(offset) };
}
