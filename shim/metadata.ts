import type { Struct, StructValue } from './messages.ts';

/**
 * What a handler reports of a request, by namespace and name, for Envoy's dynamic metadata. Texts are cut to 256 characters of
 * one line; numbers that are not finite are left out.
 */
export type Metadata = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

/** Characters of a text: names of models are the client's, and access logs hold them. */
const MAX_TEXT = 256;

/** Line breaks and other controls, which a text format of an access log would write as they are. */
const CONTROLS = /\p{Cc}/gu;

/** The metadata as a message has it; undefined for none. */
export function structOf(metadata: Metadata | undefined): Struct | undefined {
  if (!metadata) return undefined;
  const namespaces: Record<string, StructValue> = {};
  let isEmpty = true;
  for (const name in metadata) {
    const fields: Record<string, StructValue> = {};
    const values = metadata[name];
    for (const key in values) {
      const value = values[key];
      if (typeof value === 'string') fields[key] = { stringValue: lineOf(value) };
      else if (Number.isFinite(value))
        fields[key] = { numberValue: value as number }; // just checked
      else continue;
      isEmpty = false;
    }
    namespaces[name] = { structValue: { fields } };
  }
  return isEmpty ? undefined : { fields: namespaces };
}

/** A text in UTF-8 that a parser takes: Envoy resets a stream whose message has half a character. */
function lineOf(text: string): string {
  return text.slice(0, MAX_TEXT).replace(CONTROLS, ' ').toWellFormed();
}
