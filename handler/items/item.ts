import type * as v from 'valibot';
import { newId } from '../ids.ts';
import { present } from '../protocol/json.ts';
import { kinds } from './index.ts';
import type { Given } from './kind.ts';
import type { OutputMessage } from './message.ts';

type Kinds = typeof kinds;

/** The items of each type, as they are kept and listed. */
export type Items = { [T in keyof Kinds]: ItemOf<Kinds[T]> };
type ItemOf<K> = K extends { keep(given: never, id: string): infer I } ? I : never;

/** An item as it is kept and listed: whatever a client or the model said, with its id. */
export type Item = Items[keyof Items];

/** One item of a response's `output`. */
export type OutputItem = OutputMessage | Items[MadeHere];
type MadeHere =
  | ('reasoning' | 'function_call' | 'mcp_call' | 'custom_tool_call' | 'local_shell_call' | 'shell_call')
  | ('apply_patch_call' | 'computer_call' | 'tool_search_call' | 'tool_search_output' | 'compaction');

/** What a client may send of each type, with references resolved. */
export type GivenItems = { [T in keyof Kinds]: v.InferOutput<Kinds[T]['schema']> };

/** An item that a client sent, with references resolved. */
export type GivenItem = GivenItems[keyof GivenItems];

const table: {
  [T in keyof Kinds]: { prefix: string; keep(given: Given<Kinds[T]['schema']>, id: string): Items[T] };
} = kinds;

/** A new id for an item of this type. */
export function newItemId(type: keyof Items): string {
  return newId(table[type].prefix);
}

/** What a client sent as an item, in the form in which it is kept: with an id and a status, content as parts, no nulls. */
export function toItem<T extends keyof Items>(given: GivenItems[T] & { type: T }): Items[T] {
  return table[given.type].keep(present(given), given.id || newItemId(given.type));
}
