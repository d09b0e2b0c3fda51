import type { AnyEvent, OfItem } from './event.ts';

/** How an item `O` of a response's output is streamed, with the events `E` of its own. */
export interface Stream<O, E extends AnyEvent = never> {
  /**
   * Whether an item from another Responses server is read as a whole. Streamed types are read by the backend; all others
   * are dropped.
   */
  readWhole: boolean;
  /** The item in its `added` event, when it comes as a whole; `again` for a replay of a stored response. */
  begin(item: O, again: boolean): O;
  /** Its own events between `added` and `done`. */
  events(item: O, at: OfItem, again: boolean): Iterable<E>;
  /** The reducer for each of its own event types. What a `done` event carries is authoritative. */
  fold: Fold<O, E>;
}

// One member per event type, also for types declared together.
type Fold<O, E extends AnyEvent> = { [Event in E as Event['type']]: (item: O, event: Event) => O };

/** The item with status `in_progress`. */
export function inProgress<O extends { status: string }>(item: O): O {
  return { ...item, status: 'in_progress' };
}

/** The stream of an item that comes as a whole, without events of its own. */
export const plainStream = { readWhole: true, begin: inProgress, events: () => [], fold: {} };

/** The reducer of a progress event: the item stays, since its `done` carries everything. */
export function unchanged<O>(item: O): O {
  return item;
}

/** A copy of the list with the value at `index`, which may be one past its end. */
export function put<T>(list: readonly T[], index: number, value: T): T[] {
  if (index === list.length) return [...list, value]; // copied once: an assignment behind the end would copy it again
  const copy = list.slice();
  copy[index] = value;
  return copy;
}

/** A copy of the list with one value changed, if it exists. */
export function change<T>(list: readonly T[], index: number, make: (value: T) => T): T[] {
  const value = list[index];
  return value === undefined ? [...list] : put(list, index, make(value));
}
