import type { Item } from '../items/item.ts';
import { fixedLimits, type Limits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import type { Recalled } from '../service/gather.ts';
import type { HistoryReference } from '../state/history.ts';
import type { History } from '../turn/history.ts';

interface Remembered {
  items: Item[];
  /** Of its items as JSON, in characters. */
  size: number;
  /** The id of the first response of its chain: those of one chain share their items. */
  chain: string;
}

/**
 * The responses of one connection that are kept nowhere else, as `store: false` asks: for as long as it is open, the last
 * of them, no more together than a client may send at once, and none where the process has no room. What is forgotten it can
 * send again.
 */
export class Memory {
  readonly #limits: Pick<Limits, 'body' | 'items'>;
  readonly #held: Reservation;
  readonly #known = new Map<string, Remembered>();
  #size = 0;
  /** What `held` has taken. */
  #taken = 0;

  /** `held` takes the memory of what is remembered, and is closed with it. */
  constructor(limits: Pick<Limits, 'body' | 'items'>, held: Reservation) {
    this.#limits = limits;
    this.#held = held;
  }

  /** What a request goes on from, if it names a response that is remembered here. */
  recall({ previous_response_id: previous, conversation }: HistoryReference): Recalled | undefined {
    const found = previous == null || conversation != null ? undefined : this.#known.get(previous);
    if (previous == null || !found) return undefined;
    this.#known.delete(previous); // to stand among the last again
    this.#known.set(previous, found);
    return { items: found.items, previous };
  }

  /** Remembers a response by all that was said until its end: `before` it, and in it. */
  keep(id: string, before: Pick<History, 'items' | 'previous'>, said: readonly Item[]): void {
    const known = before.previous === null ? undefined : this.#known.get(before.previous);
    const size = (known?.size ?? JSON.stringify(before.items).length) + JSON.stringify(said).length;
    const items = [...before.items, ...said];
    if (size > this.#limits.body || items.length > this.#limits.items) return;
    this.#known.set(id, { items, size, chain: known?.chain ?? id });
    this.#size += size;
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= fixedLimits.socketMemory && this.#size <= this.#limits.body) break;
      this.#forget(oldest);
    }
    if (this.#parsed() - this.#taken > this.#held.budget.free) this.#forget(id);
    const parsed = this.#parsed();
    this.#held.add(parsed - this.#taken);
    this.#taken = parsed;
  }

  /** Forgets all, and gives back what it took. */
  close(): void {
    this.#known.clear();
    this.#held.close();
  }

  #forget(id: string): void {
    this.#size -= this.#known.get(id)?.size ?? 0;
    this.#known.delete(id);
  }

  /** What is remembered comes to in memory, in bytes: of each chain as much as its longest. */
  #parsed(): number {
    const longest = new Map<string, number>();
    for (const { chain, size } of this.#known.values()) longest.set(chain, Math.max(size, longest.get(chain) ?? 0));
    return fixedLimits.parsed * Array.from(longest.values()).reduce((sum, size) => sum + size, 0);
  }
}
