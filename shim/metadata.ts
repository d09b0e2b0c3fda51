/**
 * What a handler reports of a request, by namespace and name, for Envoy's dynamic metadata. Texts are cut to 256 characters of
 * one line; numbers that are not finite are left out.
 */
export type Metadata = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

/** Characters of a text: names of models are the client's, and access logs hold them. */
const MAX_TEXT = 256;

/** Line breaks and other controls, which a text format of an access log would write as they are. */
const CONTROLS = /\p{Cc}/gu;

/** The first byte of each field that is written: of Struct its entries, of an entry its key and value, and the kinds of a Value. */
const FIELD = { entry: 0x0a, key: 0x0a, value: 0x12, number: 0x11, text: 0x1a, struct: 0x2a };

/** Bytes of a message's length, which is written when the message has been: seven bits of each. */
const LENGTH_BYTES = 3;
const MAX_LENGTH = 2 ** (7 * LENGTH_BYTES) - 1;

/** Where messages are written; never across a turn of the event loop. */
let out = Buffer.allocUnsafe(16 * 1024);
let at = 0;

/**
 * The metadata as a google.protobuf.Struct in bytes; undefined for none. By hand, since proto-loader takes four times as long.
 * Throws an Error for more than 2 MiB.
 */
export function encodeMetadata(metadata: Metadata | undefined): Uint8Array | undefined {
  if (!metadata) return undefined;
  at = 0;
  for (const namespace in metadata) {
    const before = at;
    const entry = begin(FIELD.entry);
    writeText(FIELD.key, namespace);
    const value = begin(FIELD.value);
    const struct = begin(FIELD.struct);
    for (const [name, one] of Object.entries(metadata[namespace] ?? {})) writeMember(name, one);
    const isEmpty = at === struct;
    for (const start of [struct, value, entry]) end(start);
    if (isEmpty) at = before;
  }
  return at > 0 ? Buffer.from(out.subarray(0, at)) : undefined; // a copy
}

function writeMember(name: string, value: string | number): void {
  if (typeof value === 'number' && !Number.isFinite(value)) return;
  const entry = begin(FIELD.entry);
  writeText(FIELD.key, name);
  const inner = begin(FIELD.value);
  if (typeof value === 'number') {
    reserve(9);
    out[at++] = FIELD.number;
    at = out.writeDoubleLE(value, at);
  } else writeText(FIELD.text, value.slice(0, MAX_TEXT).replace(CONTROLS, ' '));
  end(inner);
  end(entry);
}

/** Writes a text, with a mark for half a character: Envoy resets a stream whose message has one. */
function writeText(field: number, text: string): void {
  const start = begin(field);
  reserve(text.length * 3);
  at += out.write(text, at);
  end(start);
}

/** Begins a message, or a text, and returns where. */
function begin(field: number): number {
  reserve(1 + LENGTH_BYTES);
  out[at] = field;
  at += 1 + LENGTH_BYTES;
  return at;
}

/** Writes the length of what began there. */
function end(start: number): void {
  const length = at - start;
  if (length > MAX_LENGTH) throw new Error('dynamic metadata is limited to 2 MiB');
  out[start - 3] = (length & 0x7f) | 0x80;
  out[start - 2] = ((length >> 7) & 0x7f) | 0x80;
  out[start - 1] = length >> 14;
}

function reserve(bytes: number): void {
  if (at + bytes <= out.length) return;
  const larger = Buffer.allocUnsafe(2 * (at + bytes));
  out.copy(larger, 0, 0, at);
  out = larger;
}
