import avro, { type Type } from "avsc";
import { doubleJson, floatJson } from "./json-numbers.ts";
import type { RegisteredSchema, SchemaReader } from "./schema.ts";

type Writer = (value: unknown) => string;

/** avsc's own long is a double, which loses digits beyond 2^53. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

const isLong = (schema: unknown): boolean =>
  schema === "long" || (typeof schema === "object" && schema !== null && "type" in schema && schema.type === "long");

function parseSchema(text: string, registry: Record<string, Type>): Type {
  return avro.Type.forSchema(JSON.parse(text), {
    registry,
    // Unwrapped, avsc cannot tell some branches apart and refuses such unions; the writer unwraps instead.
    wrapUnions: "always",
    typeHook: (schema) => (isLong(schema) ? exactLong : undefined),
  });
}

/**
 * AWS calls the outcome "standard JSON", which "cannot be directly converted back to an Avro object": so unions have no
 * branch names. (AWS does not say) the rest, which is as in Avro's own JSON encoding: bytes and fixed are strings of one
 * character a byte, and a logical type is what it annotates, such as the number of a timestamp-millis.
 */
function writerOf(type: Type, known: Map<Type, Writer>): Writer {
  const cached = known.get(type);
  if (cached !== undefined) return cached;
  // In place before its parts are made: a record may contain itself.
  let writer: Writer = () => "";
  known.set(type, (value) => writer(value));
  writer = newWriter(type, (part) => writerOf(part, known));
  known.set(type, writer);
  return writer;
}

function newWriter(type: Type, writerOfPart: (type: Type) => Writer): Writer {
  const { types } = avro;
  if (type instanceof types.RecordType) {
    const fields = type.fields.map(({ name, type }) => ({
      name,
      label: `${JSON.stringify(name)}:`,
      write: writerOfPart(type),
    }));
    return (value) => {
      const record = value as Readonly<Record<string, unknown>>;
      return `{${fields.map(({ name, label, write }) => label + write(record[name])).join(",")}}`;
    };
  }
  if (type instanceof types.ArrayType) {
    const write = writerOfPart(type.itemsType);
    return (value) => `[${(value as readonly unknown[]).map(write).join(",")}]`;
  }
  if (type instanceof types.MapType) {
    const write = writerOfPart(type.valuesType);
    return (value) =>
      `{${Object.entries(value as object)
        .map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`)
        .join(",")}}`;
  }
  if (type instanceof types.WrappedUnionType) {
    const writers = new Map(type.types.map((branch) => [branch.branchName, writerOfPart(branch)]));
    return (value) => {
      const [branch] = Object.entries(value ?? {});
      return branch === undefined ? "null" : (writers.get(branch[0])?.(branch[1]) ?? "null");
    };
  }
  if (type === exactLong) return String;
  if (type instanceof types.FloatType) return (value) => floatJson(value as number);
  if (type instanceof types.DoubleType) return (value) => doubleJson(value as number);
  if (type instanceof types.BytesType || type instanceof types.FixedType) {
    return (value) => JSON.stringify((value as Buffer).toString("latin1"));
  }
  // null, boolean, int, string, enum
  return (value) => JSON.stringify(value);
}

/** @throws where the schema or one of its references is no Avro schema. */
export function compileAvro(schema: RegisteredSchema): SchemaReader {
  const registry: Record<string, Type> = {};
  for (const reference of schema.references) parseSchema(reference.text, registry);
  const type = parseSchema(schema.text, registry);
  const write = writerOf(type, new Map());
  return (payload) => {
    const value: unknown = type.fromBuffer(payload);
    return () => write(value);
  };
}
