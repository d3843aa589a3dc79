/**
 * Messages as Debezium 3.7 writes them, put together by hand after its documentation ("Debezium connector for
 * PostgreSQL"), for tests. Messages recorded from the running stack belong in samples/.
 */

/** A column as the converter writes it: the JSON value, and the schema that accompanies it with schemas.enable=true. */
export interface Cell {
  value: unknown;
  schema: { type: string; name?: string; parameters?: Record<string, string>; fields?: unknown[] };
}

export type Cells = Record<string, Cell>;

// --- columns -------------------------------------------------------------------------------------------------------

export const int32 = (value: number | null): Cell => ({ value, schema: { type: "int32" } });
export const int64 = (value: number | null): Cell => ({ value, schema: { type: "int64" } });
export const text = (value: string | null): Cell => ({ value, schema: { type: "string" } });
export const bool = (value: boolean | null): Cell => ({ value, schema: { type: "boolean" } });
export const jsonb = (value: string | null): Cell => ({
  value,
  schema: { type: "string", name: "io.debezium.data.Json" },
});

/** decimal.handling.mode=precise, a column numeric(p, scale). */
export const preciseDecimal = (unscaled: bigint | null, scale = 2): Cell => ({
  value: unscaled === null ? null : base64OfUnscaled(unscaled),
  schema: {
    type: "bytes",
    name: "org.apache.kafka.connect.data.Decimal",
    parameters: { scale: String(scale), "connect.decimal.precision": "10" },
  },
});

/** decimal.handling.mode=precise, a column numeric without precision. */
export const variableScaleDecimal = (unscaled: bigint, scale: number): Cell => ({
  value: { scale, value: base64OfUnscaled(unscaled) },
  schema: {
    type: "struct",
    name: "io.debezium.data.VariableScaleDecimal",
    fields: [
      { type: "int32", optional: false, field: "scale" },
      { type: "bytes", optional: false, field: "value" },
    ],
  },
});

/** decimal.handling.mode=string */
export const textDecimal = text;

/** decimal.handling.mode=double. Jackson writes what JSON has no number for as text: "NaN". */
export const doubleDecimal = (value: number | string): Cell => ({ value, schema: { type: "double" } });

export const timestampMs = (value: number): Cell => timestamp(value, "io.debezium.time.Timestamp");
export const timestampUs = (value: number): Cell => timestamp(value, "io.debezium.time.MicroTimestamp");
export const timestampNs = (value: number): Cell => timestamp(value, "io.debezium.time.NanoTimestamp");
export const timestampConnect = (value: number): Cell => timestamp(value, "org.apache.kafka.connect.data.Timestamp");
export const timestampIso = (value: string): Cell => ({
  value,
  schema: { type: "string", name: "io.debezium.time.IsoTimestamp" },
});
export const timestampZoned = (value: string): Cell => ({
  value,
  schema: { type: "string", name: "io.debezium.time.ZonedTimestamp" },
});

function timestamp(value: number, name: string): Cell {
  return { value, schema: { type: "int64", name } };
}

/** As java.math.BigInteger.toByteArray: the fewest bytes of two's complement, most significant first. */
export function base64OfUnscaled(unscaled: bigint): string {
  let bytes = 1;
  while (BigInt.asIntN(8 * bytes, unscaled) !== unscaled) bytes += 1;
  const hex = BigInt.asUintN(8 * bytes, unscaled).toString(16);
  return Buffer.from(hex.padStart(2 * bytes, "0"), "hex").toString("base64");
}

// --- rows ----------------------------------------------------------------------------------------------------------

/** A row of public.transactions with Debezium's default settings. 2026-11-01T12:00:00.123456Z. */
export const TRANSACTION: Cells = {
  id: int32(42),
  user_id: int32(1234),
  amount: preciseDecimal(12345n),
  card_type: text("VISA"),
  merchant_id: int32(77),
  created_at: timestampUs(1_793_534_400_123_456),
};

/** The key alone, as `before` of a delete with the default REPLICA IDENTITY: the other columns are null. */
export const TRANSACTION_KEY: Cells = Object.fromEntries(
  Object.entries(TRANSACTION).map(([column, cell]) => [column, column === "id" ? cell : { ...cell, value: null }]),
);

// --- messages ------------------------------------------------------------------------------------------------------

export const SOURCE = {
  version: "3.7.0.Final",
  connector: "postgresql",
  name: "dbserver1",
  ts_ms: 1_793_534_400_200,
  snapshot: "false",
  db: "mydb",
  sequence: '["26500000","26500136"]',
  ts_us: 1_793_534_400_200_123,
  ts_ns: 1_793_534_400_200_123_000,
  schema: "public",
  table: "transactions",
  txId: 745,
  lsn: 26_500_136,
  xmin: null,
};

export interface MessageOptions {
  op: string;
  before?: Cells | null;
  after?: Cells | null;
  source?: Record<string, unknown>;
  /** schemas.enable of the converter. */
  schemas?: boolean;
}

/** The message's value before it is turned into text. */
export function message({ op, before = null, after = null, source = {}, schemas = false }: MessageOptions) {
  const payload = {
    before: before && valuesOf(before),
    after: after && valuesOf(after),
    source: { ...SOURCE, ...source },
    transaction: null,
    op,
    ts_ms: 1_793_534_400_300,
    ts_us: 1_793_534_400_300_456,
    ts_ns: 1_793_534_400_300_456_000,
  };
  if (!schemas) return payload;
  const columns = after ?? before ?? TRANSACTION;
  const image = (field: string) => ({
    type: "struct",
    fields: Object.entries(columns).map(([column, { schema }]) => ({ ...schema, optional: true, field: column })),
    optional: true,
    name: "dbserver1.public.transactions.Value",
    field,
  });
  const schema = {
    type: "struct",
    fields: [
      image("before"),
      image("after"),
      { type: "struct", fields: [], optional: false, name: "io.debezium.connector.postgresql.Source", field: "source" },
      { type: "string", optional: false, field: "op" },
      { type: "int64", optional: true, field: "ts_ms" },
    ],
    optional: false,
    name: "dbserver1.public.transactions.Envelope",
    version: 2,
  };
  return { schema, payload };
}

/** pg_logical_emit_message(true, 'tripline', 'hello'), on the topic dbserver1.message. */
export const LOGICAL_MESSAGE = {
  op: "m",
  ts_ms: 1_793_534_400_300,
  source: { ...SOURCE, schema: "", table: "" },
  message: { prefix: "tripline", content: Buffer.from("hello").toString("base64") },
};

function valuesOf(cells: Cells): Record<string, unknown> {
  return Object.fromEntries(Object.entries(cells).map(([column, { value }]) => [column, value]));
}

export function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function base64Of(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}
