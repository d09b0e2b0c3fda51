import type * as v from 'valibot';
import { newId } from '../ids.ts';
import { present } from '../protocol/json.ts';
import { kinds } from './index.ts';
import type { ClientInput } from './kind.ts';

type Kinds = typeof kinds;

/** The stored items by type. */
export type Items = { [T in keyof Kinds]: ItemOf<Kinds[T]> };
type ItemOf<K> = K extends { keep(given: never, id: string): infer I } ? I : never;

/** A stored item, from a client or a model, with its id. */
export type Item = Items[keyof Items];

/** Types that a response's output may have: those with a stream. */
type Streamed = { [T in keyof Kinds]: Kinds[T] extends { stream: object } ? T : never }[keyof Kinds];

/** The output items by type. */
export type Outputs = { [T in Streamed]: OutputOf<Kinds[T]> };
type OutputOf<K> = K extends { stream: { begin(item: never, again: boolean): infer O } } ? O : never;

/** One item of a response's `output`. */
export type OutputItem = Outputs[keyof Outputs];

/** The own events of each of these types. */
export type OwnEvents = { [T in Streamed]: EventOf<Kinds[T]> };
type EventOf<K> = K extends { stream: { events(item: never, at: never, again: never): Iterable<infer E> } } ? E : never;

/** Client input by item type, with references resolved. */
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

/** The stored form of a client's item: with id and status, content as parts, no nulls. */
export function toItem<T extends keyof Items>(item: ClientItems[T] & { type: T }): Items[T] {
  return table[item.type].keep(present(item), item.id || newItemId(item.type));
}
