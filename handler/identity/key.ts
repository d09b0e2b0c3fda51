import { toBase64 } from '../base64.ts';

/** A key as it is made: what its owner gets, once, and what is kept of it. */
export interface NewKey {
  /** `ak_`, the id, `_`, 43 characters of 32 random bytes, and 7 of a checksum. */
  key: string;
  id: string;
  /** SHA-256 of the whole key, as 64 hexadecimal digits. */
  sha256: string;
}

/** A key's text: the id, and behind it the secret with its checksum. */
const KEY = /^ak_([a-z\d]{1,32})_([\w-]{43})([a-z\d]{7})$/;

const ID_LENGTH = 12;
const ID_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Makes a key. Its secret needs no salt and no slow digest, since nobody can guess 32 random bytes. */
export async function newKey(): Promise<NewKey> {
  // 36 does not divide 256, and a little bias makes an id no worse.
  const id = Array.from(crypto.getRandomValues(new Uint8Array(ID_LENGTH)), (byte) =>
    ID_CHARACTERS.charAt(byte % ID_CHARACTERS.length),
  ).join('');
  const secret = toBase64(crypto.getRandomValues(new Uint8Array(32)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_');
  const text = `ak_${id}_${secret.replace(/=+$/, '')}`;
  const key = text + checksumOf(text);
  return { key, id, sha256: await sha256Of(key) };
}

/** The id of a key; undefined for a text that never was one, told by its checksum without asking anybody. */
export function idOfKey(text: string): string | undefined {
  const [, id, secret, checksum] = KEY.exec(text) ?? [];
  return id !== undefined && checksumOf(`ak_${id}_${secret}`) === checksum ? id : undefined;
}

/** Whether a text looks like a key of ours, right or wrong. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith('ak_');
}

/** SHA-256 of a text, as hexadecimal digits in lower case. */
export async function sha256Of(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether two texts of the same length are equal, in a time that does not tell where they differ. */
export function equal(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

/** CRC-32 in base 36, which finds typing errors and texts that were cut. */
function checksumOf(text: string): string {
  let crc = 0xffff_ffff;
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (~crc >>> 0).toString(36).padStart(7, '0');
}
