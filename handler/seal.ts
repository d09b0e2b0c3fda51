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
  const before = once(async () => (shared ? importKey((await shared.read()).key) : undefined));
  const opened = once(() => importKeys(secrets, shared));
  return {
    async seal(text) {
      const iv = randomBytes(IV_BYTES);
      const { first, key } = await opened();
      const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, encoder.encode(text)));
      return `${MARK}.${first}.${toBase64(iv)}.${toBase64(sealed)}`;
    },
    async open(text) {
      const [id = '', iv = '', sealed = ''] = text.slice(MARK.length + 1).split('.');
      if (!isSealed(text)) return undefined;
      const key = (await opened()).all.get(id) ?? (id === shared?.id ? await before() : undefined);
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

type Key = Awaited<ReturnType<typeof importKey>>;

/** Keys by the ids of their secrets, and the one that seals. */
interface Keys {
  all: ReadonlyMap<string, Key>;
  first: string;
  key: Key;
}

async function importKeys(secrets: readonly Secret[], shared?: SharedSecret): Promise<Keys> {
  const known = secrets.length > 0 || !shared ? secrets : [await shared.read()];
  const all = new Map(await Promise.all(known.map(async ({ id, key }) => [id, await importKey(key)] as const)));
  const first = known[0]?.id ?? '';
  const key = all.get(first);
  if (!key) throw new Error('there is no secret');
  return { all, first, key };
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

/** One character a byte first, since `btoa` reads no bytes; in slices that fit a call's arguments. */
function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}

function fromBase64(text: string) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
