import { fromBase64, toBase64 } from './base64.ts';
import { DEFAULT_TENANT } from './caller.ts';

/** The purpose of a sealed text, which opens for no other. */
export type SealPurpose = 'reasoning' | 'call' | 'compaction' | 'approval' | 'credentials';

/** Makes texts that only this deployment can read, and only for one tenant and one purpose, for clients to keep. */
export interface Seal {
  /** Rejects where no secret is long enough. */
  seal(purpose: SealPurpose, text: string): Promise<string>;
  /** The text; undefined if the secret is unknown, the purpose or tenant is another, or the content was changed. */
  open(purpose: SealPurpose, sealed: string): Promise<string | undefined>;
  /** Signatures of a text, in hexadecimal: by the secret that seals, and then by the others. */
  sign(purpose: SealPurpose, text: string): Promise<readonly string[]>;
}

/** A secret with its id, which every sealed text carries. */
export interface Secret {
  id: string;
  key: string;
}

/** A secret that is read on first use. */
export interface SharedSecret {
  id: string;
  read(): Promise<Secret>;
}

/** The shortest secret that seals, in bytes: as long as its derived key. A shorter one only opens version 1. */
const SEALING_BYTES = 32;

const MARK = 'antiphon';
const IV_BYTES = 12;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether a text has our prefix, of any version. Model servers seal texts of their own. */
export function isSealed(text: string): boolean {
  return /^antiphon\.\d+\./.test(text);
}

/** Whether a secret is long enough to seal. */
export function canSeal({ key }: Pick<Secret, 'key'>): boolean {
  return encoder.encode(key).length >= SEALING_BYTES;
}

/** CryptoKey, derived since not every runtime's types name it. */
export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** The keys of a secret, by version, and the one that signs. */
type Keys = Record<1 | 2 | 'sign', () => Promise<Key>>;

/**
 * Returns the Seal of a tenant: AES-256-GCM with the first secret that is long enough. All secrets open, and so does
 * `shared`, which seals if there are no others, so that texts sealed before secrets were configured stay readable.
 * Version 1 was bound to nothing and opens for every purpose of the default tenant, whose it all was: its reader checks the content.
 */
export function sealWith(secrets: readonly Secret[], shared?: SharedSecret): (tenant: string) => Seal {
  const keys = new Map<string, Keys>();
  for (const secret of secrets)
    keys.set(
      secret.id,
      keysOf(async () => secret),
    );
  if (shared && !keys.has(shared.id)) keys.set(shared.id, keysOf(shared.read));
  const first = secrets.length > 0 ? secrets.find(canSeal)?.id : shared?.id;

  return (tenant) => {
    // As JSON, so that no two sets of values give the same bytes.
    const bound = (id: string, purpose: SealPurpose) => encoder.encode(JSON.stringify([MARK, 2, id, tenant, purpose]));
    return {
      async seal(purpose, text) {
        if (first === undefined) throw new Error(`no secret has ${SEALING_BYTES} bytes`);
        const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
        const how = { name: 'AES-GCM', iv, additionalData: bound(first, purpose) };
        const key = await keys.get(first)?.[2]();
        if (!key) throw new Error('there is no secret');
        const sealed = new Uint8Array(await crypto.subtle.encrypt(how, key, encoder.encode(text)));
        return `${MARK}.2.${first}.${toBase64(iv)}.${toBase64(sealed)}`;
      },
      async open(purpose, text) {
        const [, version, id = '', iv = '', sealed = ''] = text.split('.');
        const secretKeys = isSealed(text) ? keys.get(id) : undefined;
        if (!secretKeys || (version !== '2' && !(version === '1' && tenant === DEFAULT_TENANT))) return undefined;
        const key = await secretKeys[version === '1' ? 1 : 2]();
        try {
          const bytes = { name: 'AES-GCM', iv: fromBase64(iv) };
          const how = version === '1' ? bytes : { ...bytes, additionalData: bound(id, purpose) };
          return decoder.decode(await crypto.subtle.decrypt(how, key, fromBase64(sealed)));
        } catch {
          return undefined;
        }
      },
      async sign(purpose, text) {
        if (first === undefined) throw new Error(`no secret has ${SEALING_BYTES} bytes`);
        const bytes = encoder.encode(JSON.stringify([MARK, tenant, purpose, text]));
        const ids = [first, ...[...keys.keys()].filter((id) => id !== first)];
        return Promise.all(
          ids.map(async (id) => {
            const key = await keys.get(id)?.sign();
            if (!key) throw new Error('there is no secret');
            return toHex(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes)));
          }),
        );
      },
    };
  };
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function keysOf(read: () => Promise<Secret>): Keys {
  const bytes = async () => encoder.encode((await read()).key);
  return {
    1: once(async () => {
      const digest = await crypto.subtle.digest('SHA-256', await bytes());
      return crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['decrypt']);
    }),
    2: once(async () => deriveKey(await bytes(), `${MARK}.2 seal`)),
    sign: once(async () => {
      const whole = await crypto.subtle.importKey('raw', await bytes(), 'HKDF', false, ['deriveKey']);
      const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(`${MARK}.1 sign`) };
      return crypto.subtle.deriveKey(how, whole, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']);
    }),
  };
}

/** The key of AES-256-GCM that a secret's bytes have for one purpose. */
async function deriveKey(secret: Uint8Array<ArrayBuffer>, purpose: string): Promise<Key> {
  const whole = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(purpose) };
  return crypto.subtle.deriveKey(how, whole, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** The key of a secret that wraps the keys by which tenants' data is encrypted. */
export function wrappingKey({ key }: Pick<Secret, 'key'>): Promise<Key> {
  return deriveKey(encoder.encode(key), `${MARK}.1 tenant keys`);
}

/** Encrypts bytes by AES-256-GCM, as base64: the IV, what is encrypted, and the tag. It opens with the same `bound` only. */
export async function encrypt(key: Key, bound: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const encrypted = await crypto.subtle.encrypt(gcm(iv, bound), key, bytes);
  const whole = new Uint8Array(IV_BYTES + encrypted.byteLength);
  whole.set(iv);
  whole.set(new Uint8Array(encrypted), IV_BYTES);
  return toBase64(whole);
}

/** The bytes of such a text; rejects if anything is not as it was. */
export async function decrypt(key: Key, bound: string, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const whole = fromBase64(text);
  const how = gcm(whole.subarray(0, IV_BYTES), bound);
  return new Uint8Array(await crypto.subtle.decrypt(how, key, whole.subarray(IV_BYTES)));
}

function gcm(iv: Uint8Array<ArrayBuffer>, bound: string) {
  return { name: 'AES-GCM', iv, additionalData: encoder.encode(bound) };
}

/** Makes a value on first use, and again only after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | undefined;
  return async () => {
    promise ??= make();
    try {
      return await promise;
    } catch (error) {
      promise = undefined;
      throw error;
    }
  };
}

/** A new secret, of 256 random bits. */
export function makeSecret(id: string): Secret {
  return { id, key: toBase64(crypto.getRandomValues(new Uint8Array(SEALING_BYTES))) };
}
