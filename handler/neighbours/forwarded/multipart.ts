import { ApiError, missing } from '../../errors.ts';
import { placesOf } from './byte-search.ts';

/** A form as it came, of which one field is read. */
export interface ModelForm {
  model: string;
  /** The form with another model; the same bytes for the same one. */
  bytesFor(model: string): Uint8Array;
}

/** The longest head of a part, in bytes, the most parts, and the longest name of a model: forms of these APIs have a dozen short ones. */
const [MAX_HEAD, MAX_PARTS, MAX_MODEL] = [4_096, 256, 256];

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the field `model` of a form. What another reader could take for another form is refused, so that nobody names one model here and
 * another to its server: a boundary in the middle of a part, two models, names in unusual forms. Throws an ApiError.
 */
export function readModelForm(bytes: Uint8Array, type: string): ModelForm {
  const boundary = boundaryIn(type);
  let model: { from: number; to: number } | undefined;
  for (const { head, from, to } of partsOf(bytes, boundary)) {
    const name = nameIn(head);
    if (name === 'model') {
      if (model) throw malformed('it has `model` twice');
      model = { from, to };
    } else if (/^_?model(\[.*)?$/i.test(name)) throw malformed('it has a field whose name is nearly `model`');
  }
  if (!model) throw missing('model');
  const { from, to } = model;
  const given = textOf(bytes.subarray(from, to));
  return {
    model: given,
    bytesFor(name) {
      if (name === given) return bytes;
      const value = encoder.encode(name);
      const changed = new Uint8Array(bytes.length - (to - from) + value.length);
      changed.set(bytes.subarray(0, from));
      changed.set(value, from);
      changed.set(bytes.subarray(to), from + value.length);
      return changed;
    },
  };
}

function boundaryIn(type: string): string {
  // https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
  const found = /^multipart\/form-data\s*;\s*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+.-]{1,70}))\s*$/i.exec(type);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary !== undefined && !boundary.endsWith(' ')) return boundary;
  throw new ApiError(
    'unsupported_media',
    'The content-type must be multipart/form-data with a boundary, and nothing else.',
  );
}

interface Part {
  head: string;
  /** From where to where its value stands. */
  from: number;
  to: number;
}

function* partsOf(bytes: Uint8Array, boundary: string): Generator<Part, void> {
  const delimiter = encoder.encode(`--${boundary}`);
  let begun: number | undefined;
  let parts = 0;
  for (const at of placesOf(delimiter, bytes)) {
    const isLine = at === 0 ? begun === undefined : begun !== undefined && bytes[at - 2] === CR && bytes[at - 1] === LF;
    if (!isLine) throw malformed('its boundary stands where no part begins');
    const end = at + delimiter.length;
    if (begun !== undefined) {
      if (++parts > MAX_PARTS) throw malformed(`it has more than ${MAX_PARTS} fields`);
      yield partAt(bytes, begun, at - 2);
    }
    if (bytes[end] === DASH && bytes[end + 1] === DASH) {
      const rest = bytes.length - end - 2;
      if (rest === 0 || (rest === 2 && bytes[end + 2] === CR && bytes[end + 3] === LF)) return;
      throw malformed('it goes on behind its end');
    }
    if (bytes[end] !== CR || bytes[end + 1] !== LF) throw malformed('something stands behind a boundary');
    begun = end + 2;
  }
  throw malformed(begun === undefined ? 'its boundary is not in it' : 'it has no end');
}

function partAt(bytes: Uint8Array, begun: number, to: number): Part {
  for (
    let at = bytes.indexOf(CR, begun);
    at >= 0 && at < Math.min(to, begun + MAX_HEAD);
    at = bytes.indexOf(CR, at + 1)
  ) {
    if (bytes[at + 1] !== LF || bytes[at + 2] !== CR || bytes[at + 3] !== LF || at + 4 > to) continue;
    return { head: String.fromCharCode(...bytes.subarray(begun, at)), from: at + 4, to };
  }
  throw malformed('a field has no head');
}

/** The name of a field by the head of its part. */
function nameIn(head: string): string {
  let name: string | undefined;
  for (const line of head.split('\r\n')) {
    const [, header = '', value = ''] = /^([\w-]{1,64}):[ \t]*(.*)$/.exec(line) ?? [];
    if (/^content-(type|length)$/i.test(header)) continue;
    if (/^content-transfer-encoding$/i.test(header) && /^(binary|8bit|7bit)$/i.test(value)) continue;
    // https://www.rfc-editor.org/rfc/rfc7578#section-4.2
    const found = /^form-data; ?name="([\w.[\]-]{1,100})"(; ?filename="[^"\r\n]*")?(; ?filename\*=[\w'%.!~-]*)?$/.exec(
      value,
    );
    if (!/^content-disposition$/i.test(header) || !found || name !== undefined)
      throw malformed('the head of a field is not as browsers write it');
    name = found[1];
  }
  if (name === undefined) throw malformed('a field has no name');
  return name;
}

function textOf(bytes: Uint8Array): string {
  try {
    const text = bytes.length > MAX_MODEL ? '' : decoder.decode(bytes);
    if (text !== '') return text;
  } catch {
    // It is no UTF-8, and so no name.
  }
  throw new ApiError('invalid_value', `model must be 1 to ${MAX_MODEL} bytes of UTF-8`, { param: 'model' });
}

function malformed(why: string): ApiError {
  return new ApiError('refused', `The form of the request cannot be passed on: ${why}.`);
}
