import type { Item } from '../items/item.ts';
import { fixedLimits, type Limits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import type { UnstoredHistory } from '../service/gather.ts';
import type { HistoryReference } from '../state/history.ts';
import type { History } from '../turn/history.ts';

interface RememberedResponse {
  items: Item[];
  /** The size of its items as JSON, in characters. */
  size: number;
  /** The id of the first response of its chain: those of one chain share their items. */
  chain: string;
}

/**
 * The unstored responses of one connection (`store: false`), while it is open: the latest ones, together no more than
 * a client may send at once, and none if the process has no memory. A client can send again what was forgotten.
 */
export class ResponseMemory {
  readonly #limits: Pick<Limits, 'body' | 'items'>;
  readonly #reservation: Reservation;
  readonly #responses = new Map<string, RememberedResponse>();
  #size = 0;
  /** Bytes taken from `reservation`. */
  #takenBytes = 0;

  /** `reservation` holds the memory of all responses, and is closed with it. */
  constructor(limits: Pick<Limits, 'body' | 'items'>, reservation: Reservation) {
    this.#limits = limits;
    this.#reservation = reservation;
  }

  /** The history of a request that names a remembered response. */
  recall({ previous_response_id: previous, conversation }: HistoryReference): UnstoredHistory | undefined {
    const found = previous == null || conversation != null ? undefined : this.#responses.get(previous);
    if (previous == null || !found) return undefined;
    this.#responses.delete(previous); // to stand among the last again
    this.#responses.set(previous, found);
    return { items: found.items, previous };
  }

  /** Remembers a response with all items up to its end: the `history` before it, and its `newItems`. */
  keep(id: string, history: Pick<History, 'items' | 'previous'>, newItems: readonly Item[]): void {
    const previous = history.previous === null ? undefined : this.#responses.get(history.previous);
    const size = (previous?.size ?? JSON.stringify(history.items).length) + JSON.stringify(newItems).length;
    const items = [...history.items, ...newItems];
    if (size > this.#limits.body || items.length > this.#limits.items) return;
    this.#responses.set(id, { items, size, chain: previous?.chain ?? id });
    this.#size += size;
    for (const oldest of this.#responses.keys()) {
      if (this.#responses.size <= fixedLimits.socketMemory && this.#size <= this.#limits.body) break;
      this.#forget(oldest);
    }
    if (this.#parsed() - this.#takenBytes > this.#reservation.budget.free) this.#forget(id);
    this.#settle();
  }

  /** Forgets a response, if it is remembered. */
  forget(id: string): void {
    if (!this.#responses.has(id)) return;
    this.#forget(id);
    this.#settle();
  }

  /** Forgets all responses, and closes the reservation. */
  close(): void {
    this.#responses.clear();
    this.#reservation.close();
  }

  #forget(id: string): void {
    this.#size -= this.#responses.get(id)?.size ?? 0;
    this.#responses.delete(id);
  }

  /** Takes what is remembered now, and gives back the rest. */
  #settle(): void {
    const parsed = this.#parsed();
    this.#reservation.add(parsed - this.#takenBytes);
    this.#takenBytes = parsed;
  }

  /** The bytes of all remembered responses: per chain those of its longest, since they share items. */
  #parsed(): number {
    const longest = new Map<string, number>();
    for (const { chain, size } of this.#responses.values()) longest.set(chain, Math.max(size, longest.get(chain) ?? 0));
    return fixedLimits.parsed * Array.from(longest.values()).reduce((sum, size) => sum + size, 0);
  }
}
