import { toBase64 } from '../../handler/base64.ts';
import type { Secret } from '../../handler/seal.ts';

/** A text as version 1 sealed it: bound to neither purpose nor tenant, with a key that is a digest of the secret. */
export async function sealVersion1({ id, key }: Secret, text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  const imported = await crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['encrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, imported, new TextEncoder().encode(text));
  return `antiphon.1.${id}.${toBase64(iv)}.${toBase64(new Uint8Array(sealed))}`;
}
