import protobuf from "protobufjs";
import { messageWriter } from "./protobuf-json.ts";
import type { RegisteredSchema, SchemaReader } from "./schema.ts";
import { parseMessageIndexes } from "./wire-format.ts";

/** AWS: the JSON has the names of the fields as the schema defines them, not in camel case. */
const PARSE_OPTIONS = { keepCase: true };

/** Registries do not count the message that a proto2 group brings along. */
const isMessage = (part: protobuf.ReflectionObject): part is protobuf.Type =>
  part instanceof protobuf.Type && !("group" in part && part.group === true);

/** The messages at the top level of a file, wherever its package puts them, in the order of the file. */
function topLevelMessages(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((part) => {
    if (part instanceof protobuf.Type) return isMessage(part) ? [part] : [];
    return part instanceof protobuf.Namespace ? topLevelMessages(part) : [];
  });
}

function messageNameAt(file: protobuf.Root, indexes: readonly number[]): string {
  let level = topLevelMessages(file);
  let name: string | undefined;
  for (const index of indexes) {
    const message = level[index];
    if (message === undefined) throw new Error(`the schema has no message at [${indexes.join(", ")}]`);
    name = message.fullName;
    level = message.nestedArray.filter(isMessage);
  }
  return name ?? "";
}

/** @throws where the schema or one of its references is no Protobuf schema, or what they import is missing. */
export function compileProtobuf(schema: RegisteredSchema): SchemaReader {
  const root = new protobuf.Root();
  const included = new Set(schema.references.map(({ name }) => name));
  for (const text of [...schema.references.map(({ text }) => text), schema.text]) {
    const { imports = [], weakImports = [] } = protobuf.parse(text, root, PARSE_OPTIONS);
    for (const name of [...imports, ...weakImports]) {
      // Google's own files come with the library, as they do with every registry.
      const bundled = included.has(name) ? null : protobuf.common.get(name);
      if (bundled?.nested) root.addJSON(bundled.nested);
      included.add(name);
    }
  }
  root.resolveAll();
  // Apart from what it imports: indexes count the messages of one file.
  const file = protobuf.parse(schema.text, new protobuf.Root(), PARSE_OPTIONS).root;
  const writers = messageWriter(root);
  const types = new Map<string, protobuf.Type>();
  return (payload) => {
    const { indexes, message } = parseMessageIndexes(payload);
    const path = indexes.join();
    let type = types.get(path);
    if (type === undefined) {
      type = root.lookupType(messageNameAt(file, indexes));
      types.set(path, type);
    }
    const value = type.decode(message);
    const write = writers(type);
    return () => write(value);
  };
}
