import { Ajv, type Options } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import draft04 from "ajv-draft-04";
import formats from "ajv-formats";
import type { RegisteredSchema, SchemaReader } from "./schema.ts";

/** What registries accept is wider than ajv's strict mode, and so are the patterns of Java: no flag u. */
const OPTIONS: Options = { strict: false, logger: false, unicodeRegExp: false };

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The draft by its `$schema`; draft-07, Confluent's own, without one. Draft-06 has nothing that draft-07 reads otherwise. */
function validatorOf(dialect: unknown): { readonly ajv: Ajv; readonly idKeyword: "$id" | "id" } {
  const uri =
    typeof dialect === "string" ? dialect.replace(/^https?:\/\/json-schema\.org\/|#$/g, "") : "draft-07/schema";
  switch (uri) {
    case "draft-04/schema":
      // Its declarations describe the module of a bundler.
      return { ajv: new draft04.default(OPTIONS), idKeyword: "id" };
    case "draft-06/schema":
    case "draft-07/schema":
      return { ajv: new Ajv(OPTIONS), idKeyword: "$id" };
    case "draft/2019-09/schema":
      return { ajv: new Ajv2019(OPTIONS), idKeyword: "$id" };
    case "draft/2020-12/schema":
      return { ajv: new Ajv2020(OPTIONS), idKeyword: "$id" };
    default:
      throw new Error(`its $schema ${JSON.stringify(dialect)} is none of the drafts 04, 06, 07, 2019-09 and 2020-12`);
  }
}

/** A reference is known by the name that `$ref` has, relative to the schema that it is in. */
function referenceUri(name: string, base: unknown): string {
  return typeof base === "string" && URL.canParse(name, base) ? new URL(name, base).href : name;
}

/** Draft-06's `$schema` names a draft that ajv no longer ships. */
function withoutDialect(schema: JsonObject): JsonObject {
  const { $schema: _dialect, ...rest } = schema;
  return rest;
}

/** @throws where the schema or one of its references is no JSON Schema of a known draft. */
export function compileJsonSchema(schema: RegisteredSchema): SchemaReader {
  const parsed: unknown = JSON.parse(schema.text);
  const main = isObject(parsed) ? parsed : parsed === false ? { not: {} } : {};
  const { ajv, idKeyword } = validatorOf(main["$schema"]);
  formats.default(ajv);
  for (const { name, text } of schema.references) {
    const referred: unknown = JSON.parse(text);
    const uri = referenceUri(name, main[idKeyword]);
    ajv.addSchema(
      isObject(referred) ? { ...withoutDialect(referred), [idKeyword]: uri } : { not: { not: referred } },
      uri,
    );
  }
  const validate = ajv.compile(withoutDialect(main));
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return (payload) => {
    const text = utf8.decode(payload);
    if (!validate(JSON.parse(text))) throw new Error(ajv.errorsText(validate.errors, { dataVar: "it" }));
    // As it was written, so that numbers keep all their digits.
    return () => text;
  };
}
