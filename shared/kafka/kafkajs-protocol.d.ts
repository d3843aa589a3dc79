// What brokers.ts and its neighbours use of kafkajs's insides; kafkajs itself has no types for them.

declare module "kafkajs/src/protocol/encoder.js" {
  export default class Encoder {
    readonly buffer: Buffer;
    writeInt32(value: number): this;
    writeNullableArray(values: readonly (number | string | Encoder)[]): this;
    writeArray(values: readonly (number | string | Encoder)[]): this;
    writeString(value: string | null): this;
  }
}

declare module "kafkajs/src/protocol/decoder.js" {
  export default class Decoder {
    constructor(bytes: Buffer);
    readInt16(): number;
    readInt32(): number;
    readInt64(): bigint;
    readString(): string | null;
    readBoolean(): boolean;
    readBytes(length?: number): Buffer | null;
    readArray<Item>(read: (decoder: Decoder) => Item): Item[];
  }
}

declare module "kafkajs/src/protocol/error.js" {
  const errors: { createErrorFromCode(code: number): Error & { readonly type: string } };
  export default errors;
}

declare module "kafkajs/src/protocol/requests/index.js" {
  /** What a request is called by its number, and how each version of it is encoded. */
  interface Definition {
    readonly versions: readonly string[];
    protocol(options: { readonly version: number }): (options: object) => PreparedRequest;
  }

  interface PreparedRequest {
    readonly request: object;
    readonly response: { decode(answer: Buffer): Promise<unknown> };
  }

  const protocol: { readonly requests: Readonly<Record<string, Definition>> };
  export default protocol;
  export type { Definition, PreparedRequest };
}
