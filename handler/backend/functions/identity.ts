/** What an event says of the call or item that it belongs to; null for what it does not say. */
export interface Marks {
  index: number | null;
  id: string | null;
}

/**
 * What has begun in a reply, by the marks of its events. Servers give several the same index, or the same id, or change the
 * ids from event to event: both together are certain, then the id counts, then the index.
 */
export class Identities<T> {
  readonly #byIndex = new Map<number, T>();
  readonly #byId = new Map<string, T>();
  readonly #byBoth = new Map<string, T>();
  readonly #indexes = new Map<T, number>();

  /** Adds one that begins with these marks; of several with one mark the last is found. */
  add(one: T, { index, id }: Marks): void {
    if (index !== null) {
      this.#byIndex.set(index, one);
      this.#indexes.set(one, index);
    }
    if (id === null) return;
    this.#byId.set(id, one);
    if (index !== null) this.#byBoth.set(both(index, id), one);
  }

  /** The one that an id, and an index if both have one, belongs to. */
  byId({ index, id }: Marks): T | undefined {
    if (id === null) return undefined;
    const one = this.#byId.get(id);
    if (one === undefined || index === null) return one;
    const itsIndex = this.#indexes.get(one);
    return itsIndex === undefined || itsIndex === index ? one : this.#byBoth.get(both(index, id));
  }

  /** The last one with an index. */
  byIndex({ index }: Marks): T | undefined {
    return index === null ? undefined : this.#byIndex.get(index);
  }

  /** The one that marks belong to, as far as they say: by both, by the id, by the index. */
  find(marks: Marks): T | undefined {
    return this.byId(marks) ?? this.byIndex(marks) ?? (marks.id === null ? undefined : this.#byId.get(marks.id));
  }
}

function both(index: number, id: string): string {
  return `${index} ${id}`;
}

/** An index as servers write it: a number, or its digits; null where there is none. */
export function indexIn(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : null;
}
