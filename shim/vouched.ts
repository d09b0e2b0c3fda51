import type { ProcessingRequest } from './messages.ts';

/** What an Envoy that has proved to be ours says of a client: its dynamic metadata by namespace, its attributes by name. */
export interface Vouched {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * What the first message of a stream says of the client. It is read when it is asked for; then a RangeError tells of metadata that
 * are broken.
 */
export function vouchedOf({ metadata_context, attributes }: ProcessingRequest): Vouched {
  return {
    get metadata() {
      return metadata_context ? entriesOf(metadata_context, readStruct) : {};
    },
    get attributes() {
      const fields = attributes?.['envoy.filters.http.ext_proc']?.fields ?? {};
      return Object.fromEntries(
        Object.entries(fields).map(([name, { stringValue, numberValue, boolValue }]) => [
          name,
          stringValue ?? numberValue ?? boolValue,
        ]),
      );
    },
  };
}

/** The members of a google.protobuf.Struct; by hand, since proto-loader would read each message's, whether it is asked for or not. */
function readStruct(bytes: Uint8Array): Record<string, unknown> {
  return entriesOf(bytes, readValue);
}

/** The entries of the map that is field 1 of a message: a Metadata's namespaces, or a Struct's members. */
function entriesOf(bytes: Uint8Array, read: (value: Uint8Array) => unknown): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [field, entry] of fieldsOf(bytes)) {
    if (field !== 1) continue;
    const { 1: key, 2: value } = Object.fromEntries(fieldsOf(entry));
    entries.push([textOf(key), value && read(value)]);
  }
  return Object.fromEntries(entries);
}

/** The kinds of a google.protobuf.Value by their fields. */
const KINDS: Record<number, (bytes: Uint8Array) => unknown> = {
  1: () => null,
  2: (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true),
  3: textOf,
  4: ([byte]) => byte === 1,
  5: readStruct,
  6: (bytes) => [...fieldsOf(bytes)].map(([, value]) => readValue(value)),
};

function readValue(bytes: Uint8Array): unknown {
  let value: unknown = null;
  for (const [field, of] of fieldsOf(bytes)) value = KINDS[field]?.(of);
  return value;
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** The fields of a message, each with its bytes: a number's own too. */
function* fieldsOf(bytes: Uint8Array): Generator<[field: number, value: Uint8Array]> {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? fail('they are cut');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    const length =
      kind === 1 ? 8 : kind === 2 ? varint() : kind === 0 ? 0 : fail(`they have a field of the kind ${kind}`);
    const start = at;
    at += length;
    if (kind === 0) varint();
    if (at > bytes.length) fail('they are cut');
    yield [Math.floor(tag / 8), bytes.subarray(start, at)];
  }
}

function fail(why: string): never {
  throw new RangeError(`Metadata of Envoy cannot be read: ${why}.`);
}
