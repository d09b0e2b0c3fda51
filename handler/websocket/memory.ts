import { fixedLimits } from '../limits.ts';
import type { Item } from '../protocol/items.ts';
import type { Past, PastReference } from '../state/history.ts';

interface Remembered {
  items: Item[];
  /** Of its items as JSON, in characters. */
  size: number;
}

/**
 * The responses of one connection that are kept nowhere else, as `store: false` asks: for as long as it is open, the last
 * of them, and no more together than a client may send at once. What is forgotten it can send again.
 */
export class Memory {
  readonly #room: number;
  readonly #known = new Map<string, Remembered>();
  #size = 0;

  /** `room` is in characters. */
  constructor(room: number) {
    this.#room = room;
  }

  /** What a request goes on from, if it names a response that is remembered here. */
  recall({ previous_response_id: previous, conversation }: PastReference): Past | undefined {
    const found = previous == null || conversation != null ? undefined : this.#known.get(previous);
    if (previous == null || !found) return undefined;
    this.#known.delete(previous); // to stand among the last again
    this.#known.set(previous, found);
    return { items: found.items, previous, begun: null, conversation: null };
  }

  /** Remembers a response by all that was said until its end: `before` it, and in it. */
  keep(id: string, before: Pick<Past, 'items' | 'previous'>, said: readonly Item[]): void {
    const known = before.previous === null ? undefined : this.#known.get(before.previous);
    const size = (known?.size ?? JSON.stringify(before.items).length) + JSON.stringify(said).length;
    const items = [...before.items, ...said];
    if (size > this.#room || items.length > fixedLimits.historyItems) return;
    this.#known.set(id, { items, size });
    this.#size += size;
    for (const [oldest, { size }] of this.#known) {
      if (this.#known.size <= fixedLimits.socketMemory && this.#size <= this.#room) return;
      this.#known.delete(oldest);
      this.#size -= size;
    }
  }
}
