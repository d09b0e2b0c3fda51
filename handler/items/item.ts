import type * as v from 'valibot';
import { newId } from '../ids.ts';
import { present } from '../protocol/json.ts';
import { kinds } from './index.ts';
import type { ClientInput } from './kind.ts';

type Kinds = typeof kinds;

/** The items of each type, as they are kept and listed. */
export type Items = { [T in keyof Kinds]: ItemOf<Kinds[T]> };
type ItemOf<K> = K extends { keep(given: never, id: string): infer I } ? I : never;

/** An item as it is kept and listed: whatever a client or the model said, with its id. */
export type Item = Items[keyof Items];

/** The types that may be in a response's output: those that have a stream. */
type Streamed = { [T in keyof Kinds]: Kinds[T] extends { stream: object } ? T : never }[keyof Kinds];

/** The items of each of these types, as they are there. */
export type Outputs = { [T in Streamed]: OutputOf<Kinds[T]> };
type OutputOf<K> = K extends { stream: { begin(item: never, again: boolean): infer O } } ? O : never;

/** One item of a response's `output`. */
export type OutputItem = Outputs[keyof Outputs];

/** The events that each of these types has of its own. */
export type OwnEvents = { [T in Streamed]: EventOf<Kinds[T]> };
type EventOf<K> = K extends { stream: { events(item: never, at: never, again: never): Iterable<infer E> } } ? E : never;

/** What a client may send of each type, with references resolved. */
export type ClientItems = { [T in keyof Kinds]: v.InferOutput<Kinds[T]['schema']> };

/** An item that a client sent, with references resolved. */
export type ClientItem = ClientItems[keyof ClientItems];

const table: {
  [T in keyof Kinds]: { prefix: string; keep(input: ClientInput<Kinds[T]['schema']>, id: string): Items[T] };
} = kinds;

/** A new id for an item of this type. */
export function newItemId(type: keyof Items): string {
  return newId(table[type].prefix);
}

/** What a client sent as an item, in the form in which it is kept: with an id and a status, content as parts, no nulls. */
export function toItem<T extends keyof Items>(item: ClientItems[T] & { type: T }): Items[T] {
  return table[item.type].keep(present(item), item.id || newItemId(item.type));
}
