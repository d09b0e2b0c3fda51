import type { AnyEvent, OfItem } from './event.ts';

/** How an item `O` of a response's output is streamed, with the events `E` of its own. */
export interface Stream<O, E extends AnyEvent = never> {
  /** Whether one that another server sends is read as a whole. What comes in pieces its backend reads; all else is left out. */
  readWhole: boolean;
  /** The item as it begins, where it comes as a whole, or where a stored response is told `again`. */
  begin(item: O, again: boolean): O;
  /** The events of its own that come then, before it is done. */
  events(item: O, at: OfItem, again: boolean): Iterable<E>;
  /** By each type of event of its own: the item after one more. What a `done` event carries is authoritative. */
  fold: Fold<O, E>;
}

// A member for each type, also where several share a declaration.
type Fold<O, E extends AnyEvent> = { [Event in E as Event['type']]: (item: O, event: Event) => O };

/** An item that is in progress, and else as it will be. */
export function inProgress<O extends { status: string }>(item: O): O {
  return { ...item, status: 'in_progress' };
}

/** The stream of an item that comes as a whole, without events of its own. */
export const plainStream = { readWhole: true, begin: inProgress, events: () => [], fold: {} };

/** What an event that only says how far something has come makes of an item: nothing, since its `done` has all of it. */
export function unchanged<O>(item: O): O {
  return item;
}

/** A list with a value in the place of what was there, or behind all others. */
export function put<T>(list: readonly T[], index: number, value: T): T[] {
  if (index === list.length) return [...list, value]; // copied once: an assignment behind the end would copy it again
  const copy = list.slice();
  copy[index] = value;
  return copy;
}

/** A list with one value changed, if it is there. */
export function change<T>(list: readonly T[], index: number, make: (value: T) => T): T[] {
  const value = list[index];
  return value === undefined ? [...list] : put(list, index, make(value));
}
