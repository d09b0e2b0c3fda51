import { networkOf, type Sender } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import type { StoredKey } from '../state/keys.ts';

/** The time from one background read of a key to the next, and from one question to a silent database to the next, in milliseconds. */
const PAUSE_MS = 1_000;

/** How long a read may take, in milliseconds. */
const READ_MS = 1_000;

interface Known {
  key: StoredKey;
  /** When the read began that it is from: what was revoked later is not in it. */
  at: number;
  asked: number;
}

/**
 * The keys of the database as one process knows them, in bounded memory and time: a key that is revoked stops within
 * `keyAge`, and keys that nobody has cost a bounded number of reads. Requests share what was read and never a read, since some
 * runtimes end a read with the request that began it.
 */
export class StoredKeys {
  readonly #read: (id: string) => Promise<StoredKey | undefined>;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  /** When ids were looked for in vain. */
  readonly #missing = new Map<string, number>();
  readonly #misses = new MissBudget();
  /** Until when the database is not asked again, after it did not answer. */
  #silentUntil = Number.NEGATIVE_INFINITY;

  constructor(read: (id: string) => Promise<StoredKey | undefined>, now = () => performance.now()) {
    this.#read = read;
    this.#now = now;
  }

  /**
   * The key of an id, revoked and expired ones included; undefined if there is none. Throws or rejects with the ApiError `overloaded` if
   * that cannot be told now: too many keys that nobody has come from that network or from all, or the database does not answer.
   */
  find(id: string, { peer }: Sender): StoredKey | undefined | Promise<StoredKey | undefined> {
    const now = this.#now();
    const known = this.#known.get(id);
    if (!known)
      return now - (this.#missing.get(id) ?? Number.NEGATIVE_INFINITY) < fixedLimits.keyAge
        ? undefined
        : this.#findNew(id, peer ? networkOf(peer) : '', now);
    const age = now - known.at;
    if (age >= fixedLimits.keyAge) return this.#findAgain(id, known, now);
    // Read again before it is needed, so that nobody waits for that.
    if (age >= fixedLimits.keyAge / 2 && now - known.asked >= PAUSE_MS) {
      known.asked = now;
      void this.#ask(id, now).catch(() => {}); // whoever needs it is told
    }
    return known.key;
  }

  async #findNew(id: string, network: string, now: number): Promise<StoredKey | undefined> {
    const giveBack = this.#misses.take(network, now);
    if (!giveBack) throw unavailable('Too many API keys that this server does not have are being sent');
    let key: StoredKey | undefined;
    try {
      key = await this.#ask(id, now);
    } catch (error) {
      giveBack();
      throw error;
    }
    if (key) giveBack();
    return key;
  }

  async #findAgain(id: string, { key, at }: Known, now: number): Promise<StoredKey | undefined> {
    try {
      return await this.#ask(id, now);
    } catch (error) {
      if (now - at < fixedLimits.keyOutage) return key;
      throw error;
    }
  }

  async #ask(id: string, now: number): Promise<StoredKey | undefined> {
    if (now < this.#silentUntil) throw unavailable('The database does not answer');
    let key: StoredKey | undefined;
    try {
      key = await inTime(this.#read(id));
    } catch (error) {
      this.#silentUntil = now + PAUSE_MS;
      throw unavailable('The database does not answer', error);
    }
    if (key) {
      if ((this.#known.get(id)?.at ?? now) <= now) put(this.#known, id, { key, at: now, asked: now });
    } else {
      this.#known.delete(id);
      put(this.#missing, id, now);
    }
    return key;
  }
}

/** How many ids that nobody has may be looked for, by one network and by all: so many at once, and as many each second. */
class MissBudget {
  readonly #all = new Bucket(fixedLimits.keyMisses);
  /** The networks that last sent some, the newest last. */
  readonly #networks = new Map<string, Bucket>();

  /** Takes one, unless there is none; call what it returns where the id was somebody's. */
  take(network: string, now: number): (() => void) | undefined {
    const own = this.#networks.get(network) ?? new Bucket(fixedLimits.keyMissesPerNetwork);
    put(this.#networks, network, own);
    if (!own.take(now)) return undefined;
    if (this.#all.take(now)) {
      return () => {
        own.giveBack();
        this.#all.giveBack();
      };
    }
    own.giveBack();
    return undefined;
  }
}

/** A token bucket: so many at once, and as many each second. */
class Bucket {
  readonly #size: number;
  #left: number;
  #filled = Number.NEGATIVE_INFINITY;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  take(now: number): boolean {
    this.#left = Math.min(this.#size, this.#left + ((now - this.#filled) * this.#size) / 1_000);
    this.#filled = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  giveBack(): void {
    this.#left++;
  }
}

/** Puts an entry last in a map, whose first one goes if there are too many. */
function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [first] = map.keys();
  if (map.size > fixedLimits.keys && first !== undefined) map.delete(first);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${READ_MS} ms`)), READ_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(why: string, cause?: unknown): ApiError {
  return new ApiError('overloaded', `${why}, so yours cannot be looked up; try again in a moment.`, {
    headers: { 'retry-after': '1' },
    cause,
  });
}
