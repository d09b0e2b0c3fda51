import { toBase64 } from '../base64.ts';
import { fixedLimits } from '../limits.ts';
import { decrypt, encrypt } from '../seal.ts';
import type { Database, Statement } from '../state/database/database.ts';
import { type OpenCipher, type TextCipher, UnreadableText } from '../state/encryption.ts';
import { findTenantKeys, insertTenantKey, type TenantKey } from '../state/tenant-keys.ts';
import type { Keyring } from './keyring.ts';

/** A key of a tenant that can be used. */
export interface UsableKey {
  id: string;
  cipher: TextCipher;
}

/** What TenantKeys is made from. */
export interface TenantKeysOptions {
  database: Database;
  keyring: Keyring;
  openCipher: OpenCipher;
  /** Called when the key of a tenant was dropped. */
  dropped(tenant: string): void;
}

interface Known {
  /** When the read began that it is from: what was dropped later is not in it. */
  at: number;
  rows: ReadonlyMap<string, TenantKey>;
  /** The newest one that was not dropped, which encrypts. */
  newest: string | undefined;
  opening: Map<string, Promise<TextCipher>>;
  opened: Map<string, TextCipher>;
}

/**
 * The keys of tenants as one process knows them, in bounded memory and time: a key that is dropped is used for `keyAge` at most. Requests
 * share what was read and never a read, since some runtimes end a read with the request that began it.
 */
export class TenantKeys {
  readonly #database: Database;
  readonly #keyring: Keyring;
  readonly #openCipher: OpenCipher;
  readonly #dropped: (tenant: string) => void;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  constructor({ database, keyring, openCipher, dropped }: TenantKeysOptions, now = () => performance.now()) {
    this.#database = database;
    this.#keyring = keyring;
    this.#openCipher = openCipher;
    this.#dropped = dropped;
    this.#now = now;
  }

  /** Forgets what was opened: other secrets may open less. */
  clear(): void {
    this.#known.clear();
  }

  /** Whether any key of a tenant is known, perhaps one that was dropped meanwhile. */
  has(tenant: string): boolean {
    return this.#known.has(tenant);
  }

  /** Resolves once what is known of a tenant is not older than it may be; undefined if it is so now. */
  refresh(tenant: string): Promise<unknown> | undefined {
    const known = this.#known.get(tenant);
    return known && this.#isFresh(known) ? undefined : this.#load(tenant);
  }

  /** The key that encrypts what is written now, if that needs no read. */
  newestNow(tenant: string): UsableKey | undefined {
    const known = this.#known.get(tenant);
    if (known?.newest === undefined || !this.#isFresh(known)) return undefined;
    const cipher = known.opened.get(known.newest);
    return cipher && { id: known.newest, cipher };
  }

  /** The same; it is made if there is none. */
  async newest(tenant: string): Promise<UsableKey> {
    let known = await this.#find(tenant);
    if (known.newest === undefined) {
      const key = await newTenantKey(this.#keyring, tenant, Date.now());
      known = await this.#load(tenant, [insertTenantKey(key, true)]);
    }
    const { newest: id } = known;
    if (id === undefined) throw new Error(`the tenant ${tenant} has no key, although one was made`);
    return { id, cipher: await this.#open(known, id) };
  }

  /** The key of an id, if that needs no read. */
  now(tenant: string, id: string): TextCipher | undefined {
    const known = this.#known.get(tenant);
    return known && this.#isFresh(known) ? known.opened.get(id) : undefined;
  }

  /** The same; rejects with an UnreadableText if there is none that can be opened. */
  async find(tenant: string, id: string): Promise<TextCipher> {
    let known = await this.#find(tenant);
    // Another process has just made it.
    if (!known.rows.has(id)) known = await this.#load(tenant);
    return this.#open(known, id);
  }

  async #find(tenant: string): Promise<Known> {
    const known = this.#known.get(tenant);
    return known && this.#isFresh(known) ? known : this.#load(tenant);
  }

  #isFresh({ at }: Known): boolean {
    return this.#now() - at < fixedLimits.keyAge;
  }

  async #load(tenant: string, before: readonly Statement[] = []): Promise<Known> {
    const at = this.#now();
    const rows = new Map((await findTenantKeys(this.#database, tenant, before)).map((row) => [row.id, row]));
    const earlier = this.#known.get(tenant);
    const usable = [...rows.values()].filter(({ dropped }) => dropped === undefined);
    const isUsable = new Set(usable.map(({ id }) => id));
    const stay = <T>(keys: ReadonlyMap<string, T> = new Map()) => new Map([...keys].filter(([id]) => isUsable.has(id)));
    const known = {
      ...{ at, rows, newest: usable.at(-1)?.id },
      ...{ opening: stay(earlier?.opening), opened: stay(earlier?.opened) },
    };
    this.#known.delete(tenant);
    this.#known.set(tenant, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > fixedLimits.tenantKeys && oldest !== undefined) this.#known.delete(oldest);
    if (wasDropped(rows, earlier)) this.#dropped(tenant);
    return known;
  }

  async #open({ rows, opening, opened }: Known, id: string): Promise<TextCipher> {
    const open = opening.get(id) ?? this.#unwrap(rows.get(id));
    opening.set(id, open);
    try {
      const cipher = await open;
      opened.set(id, cipher);
      return cipher;
    } catch (error) {
      opening.delete(id);
      throw error;
    }
  }

  async #unwrap(row: TenantKey | undefined): Promise<TextCipher> {
    if (!row) throw new UnreadableText('its key is not in the database');
    if (row.dropped !== undefined) throw new DroppedKey('its key was dropped');
    return this.#openCipher(await unwrap(this.#keyring, row));
  }
}

/** The bytes of a key that was not dropped; rejects with an UnreadableText if its secret is not there, or another. */
export async function unwrap(keyring: Keyring, key: TenantKey): Promise<Uint8Array<ArrayBuffer>> {
  const { secret: id, wrapped } = key;
  const secret = await keyring.find(id);
  if (!secret) throw new UnreadableText(`its key is wrapped by the secret ${id}, which \`secrets\` does not have`);
  return decrypt(secret, boundOf(key), wrapped).catch((cause) => {
    throw new UnreadableText(`its key does not open with the secret ${id} of \`secrets\`, which is another`, { cause });
  });
}

/** A key that its tenant has no more. */
export class DroppedKey extends UnreadableText {}

/** Makes a key of a tenant, wrapped by the newest secret. */
export async function newTenantKey(keyring: Keyring, tenant: string, created: number): Promise<TenantKey> {
  const { id: secret, key } = await keyring.newest();
  const id = toBase64(crypto.getRandomValues(new Uint8Array(6)))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const wrapped = await encrypt(key, boundOf({ tenant, id }), bytes);
  return { tenant, id, secret, wrapped, created, dropped: undefined };
}

/** What a wrapped key is bound to: nobody else's opens in its place. */
export function boundOf({ tenant, id }: Pick<TenantKey, 'tenant' | 'id'>): string {
  return JSON.stringify(['antiphon', 'tenant key', tenant, id]);
}

/** Whether a key was dropped since one read it; without an earlier read, so lately that something may be remembered. */
function wasDropped(rows: ReadonlyMap<string, TenantKey>, before: Known | undefined): boolean {
  const isGone = (id: string) => rows.get(id)?.dropped !== undefined || !rows.has(id);
  if (before) return [...before.rows.values()].some(({ id, dropped }) => dropped === undefined && isGone(id));
  const since = Date.now() - 2 * fixedLimits.historyAge;
  return [...rows.values()].some(({ dropped }) => dropped !== undefined && dropped > since);
}
