import type { Value } from '../state/database/database.ts';

/**
 * What an encrypted text begins with: a character that JSON has no raw one of, so that no piece of JSON begins with it, whatever
 * clients send. Then come the version, the id of the key, and base64.
 */
const MARK = '\u0001';
const VERSION = '1';

/** Whether a value is an encrypted text, of any version. */
export function isEncrypted(value: Value | undefined): value is string {
  return typeof value === 'string' && value.charCodeAt(0) === 1;
}

/** Writes an encrypted text. */
export function joinEncrypted(key: string, base64: string): string {
  return `${MARK}${VERSION}.${key}.${base64}`;
}

/** The id of the key and the base64 of an encrypted text; undefined for one of another version, or that is cut off. */
export function splitEncrypted(text: string): { key: string; base64: string } | undefined {
  const [version, key, base64] = text.slice(MARK.length).split('.', 3);
  return version === VERSION && key && base64 ? { key, base64 } : undefined;
}
