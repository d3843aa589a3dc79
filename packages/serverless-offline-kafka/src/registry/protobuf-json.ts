import protobuf from "protobufjs";
import { doubleJson, floatJson } from "./json-numbers.ts";

type Writer = (value: unknown) => string;
type Fields = Readonly<Record<string, unknown>>;

/** Numbers of 64 bits arrive as `Long` objects, since doubles would lose digits. */
const LONG_TYPES = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);
const UNSIGNED_LONG_TYPES = new Set(["uint64", "fixed64"]);

const quoted = (value: unknown): string => JSON.stringify(String(value));
const base64 = (value: unknown): string => JSON.stringify(Buffer.from(value as Uint8Array).toString("base64"));

function scalarWriter(type: string): Writer {
  if (LONG_TYPES.has(type)) return quoted;
  switch (type) {
    case "bytes":
      return base64;
    case "float":
      return (value) => floatJson(value as number);
    case "double":
      return (value) => doubleJson(value as number);
    default:
      return (value) => JSON.stringify(value);
  }
}

function enumWriter(type: protobuf.Enum): Writer {
  if (type.fullName === ".google.protobuf.NullValue") return () => "null";
  // A number that this version of the schema has no name for stays a number.
  return (value) => JSON.stringify(type.valuesById[value as number] ?? value);
}

/** What ProtoJSON leaves out of a field without presence: zero, or nothing in a list or a map. */
function isDefault(value: unknown, field: protobuf.Field): boolean {
  if (field instanceof protobuf.MapField) return Object.keys(value as object).length === 0;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (LONG_TYPES.has(field.type)) return String(value) === "0";
  return Object.is(value, 0) || value === false || value === "";
}

/** protobufjs keeps keys of 64 bits as eight characters. */
function mapKey(field: protobuf.MapField, key: string): string {
  if (!LONG_TYPES.has(field.keyType)) return JSON.stringify(key);
  return quoted(protobuf.util.longFromHash(key, UNSIGNED_LONG_TYPES.has(field.keyType)));
}

/** A second's fraction with 3, 6 or 9 digits, or none. */
function fraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(Math.abs(nanos)).padStart(9, "0");
  return `.${digits.replace(/(000){1,2}$/, "")}`;
}

/** From year 1 to 9999, as RFC 3339 writes years. */
const TIMESTAMP_SECONDS_MIN = -62_135_596_800;
const TIMESTAMP_SECONDS_MAX = 253_402_300_799;

function timestampJson({ seconds = 0, nanos = 0 }: Fields): string {
  const epochSeconds = Number(seconds);
  if (epochSeconds < TIMESTAMP_SECONDS_MIN || epochSeconds > TIMESTAMP_SECONDS_MAX || Number(nanos) < 0) {
    throw new Error("a google.protobuf.Timestamp is outside the years 0001 to 9999");
  }
  return quoted(`${new Date(epochSeconds * 1_000).toISOString().slice(0, 19)}${fraction(Number(nanos))}Z`);
}

function durationJson({ seconds = 0, nanos = 0 }: Fields): string {
  const negative = Number(seconds) < 0 || Number(nanos) < 0;
  return quoted(`${negative ? "-" : ""}${String(seconds).replace("-", "")}${fraction(Number(nanos))}s`);
}

const camelCase = (path: string): string => path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

function structJson({ fields = {} }: Fields): string {
  const entries = Object.entries(fields as Fields).map(
    ([key, value]) => `${JSON.stringify(key)}:${valueJson(value as Fields)}`,
  );
  return `{${entries.join(",")}}`;
}

function listJson({ values = [] }: Fields): string {
  return `[${(values as readonly Fields[]).map(valueJson).join(",")}]`;
}

function valueJson(value: Fields): string {
  const [kind, content] = Object.entries(value)[0] ?? ["null_value", null];
  switch (kind.replace(/_?[vV]alue$/, "")) {
    case "struct":
      return structJson(content as Fields);
    case "list":
      return listJson(content as Fields);
    case "number":
      return doubleJson(content as number);
    case "null":
      return "null";
    default:
      return JSON.stringify(content);
  }
}

const WRAPPERS = /^\.google\.protobuf\.(Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/;

/**
 * Writers of the messages of `root`, made when they are first needed: ProtoJSON with the names of the schema. (AWS does
 * not say) whether Lambda leaves out a field without presence that has its default value; ProtoJSON does.
 * https://protobuf.dev/programming-guides/json/
 */
export function messageWriter(root: protobuf.Root): (type: protobuf.Type) => Writer {
  const known = new Map<protobuf.Type, Writer>();

  function writerOf(type: protobuf.Type): Writer {
    const cached = known.get(type);
    if (cached !== undefined) return cached;
    // In place before its parts are made: a message may contain itself.
    let writer: Writer = () => "";
    known.set(type, (value) => writer(value));
    writer = wellKnownWriter(type) ?? plainWriter(type);
    known.set(type, writer);
    return writer;
  }

  function wellKnownWriter(type: protobuf.Type): Writer | undefined {
    if (WRAPPERS.test(type.fullName)) {
      const field = type.fieldsArray[0];
      if (field === undefined) return undefined;
      const write = scalarWriter(field.type);
      return (value) => write((value as Fields)["value"] ?? field.defaultValue);
    }
    switch (type.fullName) {
      case ".google.protobuf.Any":
        return (value) => anyJson(value as Fields);
      case ".google.protobuf.Timestamp":
        return (value) => timestampJson({ ...(value as Fields) });
      case ".google.protobuf.Duration":
        return (value) => durationJson({ ...(value as Fields) });
      case ".google.protobuf.FieldMask":
        return (value) => quoted(((value as Fields)["paths"] as readonly string[]).map(camelCase).join());
      case ".google.protobuf.Struct":
        return (value) => structJson({ ...(value as Fields) });
      case ".google.protobuf.ListValue":
        return (value) => listJson({ ...(value as Fields) });
      case ".google.protobuf.Value":
        return (value) => valueJson({ ...(value as Fields) });
      default:
        return undefined;
    }
  }

  /** A type that the schema does not import keeps its bytes (AWS does not say). */
  function anyJson(any: Fields): string {
    const url = String(any["type_url"] ?? "");
    const bytes = Buffer.from(any["value"] as Uint8Array);
    const label = `"@type":${JSON.stringify(url)}`;
    const type = root.lookup(url.slice(url.lastIndexOf("/") + 1), [protobuf.Type]);
    if (!(type instanceof protobuf.Type)) return `{${label},"value":${base64(bytes)}}`;
    const json = writerOf(type)(type.decode(bytes));
    if (wellKnownWriter(type) !== undefined) return `{${label},"value":${json}}`;
    return json === "{}" ? `{${label}}` : `{${label},${json.slice(1)}`;
  }

  function singleWriter(field: protobuf.Field): Writer {
    if (field.resolvedType instanceof protobuf.Enum) return enumWriter(field.resolvedType);
    if (field.resolvedType instanceof protobuf.Type) return writerOf(field.resolvedType);
    return scalarWriter(field.type);
  }

  function fieldWriter(field: protobuf.Field): Writer {
    const write = singleWriter(field);
    if (field instanceof protobuf.MapField) {
      return (value) =>
        `{${Object.entries(value as Fields)
          .map(([key, item]) => `${mapKey(field, key)}:${write(item)}`)
          .join(",")}}`;
    }
    return field.repeated ? (value) => `[${(value as readonly unknown[]).map(write).join(",")}]` : write;
  }

  function plainWriter(type: protobuf.Type): Writer {
    const fields = [...type.fieldsArray]
      .sort((a, b) => a.id - b.id)
      .map((field) => ({
        field: field.resolve(),
        // An extension's name is its full name, with a dot before it.
        label: `${JSON.stringify(field.name.startsWith(".") ? `[${field.name.slice(1)}]` : field.name)}:`,
        write: fieldWriter(field),
      }));
    return (value) => {
      const message = value as Fields;
      const parts: string[] = [];
      for (const { field, label, write } of fields) {
        const content = message[field.name];
        if (!Object.hasOwn(message, field.name) || (!field.hasPresence && isDefault(content, field))) continue;
        parts.push(label + write(content));
      }
      return `{${parts.join(",")}}`;
    };
  }

  return writerOf;
}
