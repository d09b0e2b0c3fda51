import type { ItemEvent } from '../events/events.ts';
import { merge } from './merge.ts';

/** Renumbers `output_index` of several sources, each from 0, into one sequence. */
export class OutputIndexes {
  #next: number;

  /** Counts from `next` on. */
  constructor(next: number) {
    this.#next = next;
  }

  /** For one source: sets an event's `output_index`; false if its item's `added` was not passed on. */
  of(): (event: ItemEvent) => boolean {
    const indexes = new Map<number, number>();
    return (event) => {
      if (!('output_index' in event)) return true;
      if (event.type === 'response.output_item.added') indexes.set(event.output_index, this.#next++);
      const index = indexes.get(event.output_index);
      if (index === undefined) return false;
      event.output_index = index;
      return true;
    };
  }

  /**
   * The renumbered events of sources that run at the same time, at most `atOnce`, and their values in order. What is no event of an item passes as it is. `waits` is called before each
   * is waited for, and `stop` if they have to end early.
   */
  async *moveAll<E extends ItemEvent | { type: 'called' }, R>(
    sources: readonly AsyncGenerator<E, R>[],
    { atOnce, waits, stop }: { atOnce: number; waits(): void; stop(): void },
  ): AsyncGenerator<E, R[]> {
    const moves = sources.map(() => this.of());
    const merged = merge(sources, atOnce, stop);
    waits();
    let next = await merged.next();
    try {
      for (; !next.done; next = await merged.next()) {
        const { from, event } = next.value;
        const news: ItemEvent | { type: 'called' } = event;
        if (news.type === 'called' || moves[from]?.(news)) yield event;
        waits();
      }
      return next.value;
    } finally {
      if (!next.done) await merged.return(undefined as never); // the reader has left; the value is seen by nobody
    }
  }
}
