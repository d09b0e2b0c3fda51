import { tenantOf } from '../caller.ts';
import type { Item } from '../items/item.ts';
import { fixedLimits } from '../limits.ts';
import type { MemoryBudget } from '../memory-budget.ts';

/** The items of a chain of responses, oldest first, and the characters of their stored texts. */
export interface ChainItems {
  items: readonly Item[];
  size: number;
}

interface Entry extends ChainItems {
  /** By `performance.now()`. */
  usedAt: number;
}

/**
 * Cache of parsed histories, by the last response of a chain: the next turn of a long chain spends half of its time on reading
 * and parsing. Stored items never change; whether their response is still there has to be asked first. It holds
 * `fixedLimits.histories` of the memory budget at most, and less when that is needed; the least recently used goes first.
 */
export class HistoryCache {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #budget: MemoryBudget;
  #bytes = 0;
  #epoch = 0;

  /** A cache that yields to all that takes from the budget. */
  constructor(budget: MemoryBudget) {
    this.#budget = budget;
    budget.spare = this;
  }

  /** Bytes of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Another number after each `deleteTenant`: a history that was read before may be one that has to go. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The history that ends with a response, if it is here. */
  get(tenant: string, id: string): ChainItems | undefined {
    const key = keyOf(tenant, id);
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    entry.usedAt = performance.now();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Adds the history that ends with a response, in place of the one that it continues, unless it is larger than all room. */
  put(tenant: string, id: string, previous: string, { items, size }: ChainItems): void {
    this.delete(tenant, previous);
    const room = Math.min(this.#budget.limit * fixedLimits.histories, this.#budget.free);
    if (bytesOf(size) > room) return;
    this.#entries.set(keyOf(tenant, id), { items, size, usedAt: performance.now() });
    this.#bytes += bytesOf(size);
    this.shrinkTo(room);
    this.removeOld();
  }

  /** Removes entries that were not used for `fixedLimits.historyAge`. */
  removeOld(): void {
    const since = performance.now() - fixedLimits.historyAge;
    for (const [key, entry] of this.#entries) {
      if (entry.usedAt > since) return;
      this.#remove(key, entry);
    }
  }

  /** Removes the history that ends with a response. */
  delete(tenant: string, id: string): void {
    const key = keyOf(tenant, id);
    const entry = this.#entries.get(key);
    if (entry) this.#remove(key, entry);
  }

  /** Removes the histories of a tenant and of its users. */
  deleteTenant(tenant: string): void {
    this.#epoch++;
    for (const [key, entry] of this.#entries) {
      if (tenantOf(key.slice(key.indexOf('\n') + 1)) === tenant) this.#remove(key, entry);
    }
  }

  /** Removes entries until they take so many bytes at most. */
  shrinkTo(bytes: number): void {
    if (this.#bytes <= bytes) return;
    for (const [key, entry] of this.#entries) {
      this.#remove(key, entry);
      if (this.#bytes <= bytes) return;
    }
  }

  #remove(key: string, { size }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= bytesOf(size);
  }
}

/** No id has a line break. */
function keyOf(tenant: string, id: string): string {
  return `${id}\n${tenant}`;
}

function bytesOf(size: number): number {
  return fixedLimits.parsed * size;
}
