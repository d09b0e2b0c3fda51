import { decrypt, encrypt } from '../seal.ts';
import type { TextCipher } from '../state/encryption.ts';

const encoder = new TextEncoder();
/** With a byte order mark, should a text begin with one. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The cipher of a key by WebCrypto, which each runtime has. */
export async function openWebCipher(bytes: Uint8Array<ArrayBuffer>): Promise<TextCipher> {
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  return {
    encrypt: (text, bound) => encrypt(key, bound, encoder.encode(text)),
    decrypt: async (base64, bound) => decoder.decode(await decrypt(key, bound, base64)),
  };
}
