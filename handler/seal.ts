import { fromBase64, toBase64 } from './base64.ts';

/** Makes texts that only this deployment can read, for clients to keep. */
export interface Seal {
  seal(text: string): Promise<string>;
  /** The text; undefined when it was sealed with a secret that is not known, or changed since. */
  open(sealed: string): Promise<string | undefined>;
}

/** A secret by its id, which is written onto what it seals. */
export interface Secret {
  id: string;
  key: string;
}

const MARK = 'antiphon.1';
const IV_BYTES = 12;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether a text looks like one of ours: model servers seal texts of their own. */
export function isSealed(text: string): boolean {
  return text.startsWith(`${MARK}.`);
}

/** A secret that is kept elsewhere, and asked for when it is needed. */
export interface SharedSecret {
  id: string;
  read(): Promise<Secret>;
}

/**
 * AES-256-GCM with the first secret; all of them open, and so does `shared`, which seals where there are no others: what was
 * sealed before there were any stays readable.
 */
export function sealWith(secrets: readonly Secret[], shared?: SharedSecret): Seal {
  const keys = new Map(secrets.map(({ id, key }) => [id, once(() => importKey(key))]));
  if (shared && !keys.has(shared.id))
    keys.set(
      shared.id,
      once(async () => importKey((await shared.read()).key)),
    );
  const [first = ''] = keys.keys();
  return {
    async seal(text) {
      const iv = randomBytes(IV_BYTES);
      const key = await keys.get(first)?.();
      if (!key) throw new Error('there is no secret');
      const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, encoder.encode(text)));
      return `${MARK}.${first}.${toBase64(iv)}.${toBase64(sealed)}`;
    },
    async open(text) {
      const [id = '', iv = '', sealed = ''] = text.slice(MARK.length + 1).split('.');
      const key = isSealed(text) ? await keys.get(id)?.() : undefined;
      if (!key) return undefined;
      try {
        const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: fromBase64(iv) }, key, fromBase64(sealed));
        return decoder.decode(opened);
      } catch {
        return undefined;
      }
    },
  };
}

/** Makes something when it is first asked for; again only where that failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}

/** A new secret, of 256 random bits. */
export function makeSecret(id: string): Secret {
  return { id, key: toBase64(randomBytes(32)) };
}

async function importKey(key: string) {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(key));
  return crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function randomBytes(count: number) {
  return crypto.getRandomValues(new Uint8Array(count));
}
