import { usableCallId } from '../../events/item-writer.ts';
import { kinds } from '../../items/index.ts';
import { newItemId, type OutputItem, toItem } from '../../items/item.ts';
import { log } from '../../log.ts';
import { parseJson } from '../../parse-json.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { check } from '../../validate.ts';
import { usableName } from '../functions/called-name.ts';
import { garbled } from '../server/failure.ts';
import { objects, text } from '../server/json-fields.ts';

// Items of other servers, read and rebuilt member by member.

/** An item of a type that comes as a whole; undefined for a type that is not known, an ApiError for one that is wrong. */
export function toWholeItem(item: JsonObject): OutputItem | undefined {
  const { type } = item;
  if (!isReadWhole(type)) return undefined;
  const status = item.status === 'incomplete' ? 'incomplete' : 'completed';
  const call_id = item.call_id === null ? null : usableCallId(text(item.call_id));
  // Clients send back the names of custom tools in the form that ours may have.
  const name = type === 'custom_tool_call' && { name: usableName(text(item.name)) };
  try {
    return toItem(check(kinds[type].schema, { ...item, ...name, id: newItemId(type), call_id, status }));
  } catch (cause) {
    throw garbled(cause);
  }
}

function isReadWhole(type: unknown): type is Exclude<OutputItem['type'], 'message'> {
  return typeof type === 'string' && readWhole.has(type);
}

const readWhole = new Set(
  Object.entries(kinds).flatMap(([type, kind]) => ('stream' in kind && kind.stream.readWhole ? [type] : [])),
);

/** How an item type is streamed: in deltas, or as a whole. */
export type Arrival = 'message' | 'reasoning' | 'function_call' | 'whole';

/** How this item is streamed. */
export function arrivalOf({ type }: JsonObject): Arrival {
  return type === 'message' || type === 'reasoning' || type === 'function_call' ? type : 'whole';
}

/** Whether the item's type is supported here. */
export function isKnown(item: JsonObject): boolean {
  return arrivalOf(item) !== 'whole' || isReadWhole(item.type);
}

/** The text of an item's parts. */
export function textOf(parts: unknown): string {
  return objects(parts).map(partText).join('');
}

function partText(part: JsonObject): string {
  return text(part.text) || text(part.refusal);
}

/**
 * The suffix of the final text that was not streamed. If the final text contradicts the deltas, the deltas win: clients
 * have seen them.
 */
export function restOf(parts: unknown, streamedText: string): { at: number; delta: string }[] {
  const finalText = textOf(parts);
  if (!finalText.startsWith(streamedText)) {
    if (finalText) log.warn('a model backend ended a text otherwise than its deltas had it');
    return [];
  }
  let skip = streamedText.length;
  return objects(parts).map((part, at) => {
    const all = partText(part);
    const delta = all.slice(skip);
    skip = Math.max(0, skip - all.length);
    return { at, delta };
  });
}

/** The same for arguments. Here a contradiction is an error: a call with wrong arguments must not run. */
export function restOfArguments(final: string, streamed: string): string {
  if (final.startsWith(streamed)) return final.slice(streamed.length);
  if (final === '' || sameJson(final, streamed)) return '';
  throw garbled('a call that ends with other arguments than its deltas had');
}

function sameJson(a: string, b: string): boolean {
  try {
    return JSON.stringify(parseJson(a)) === JSON.stringify(parseJson(b));
  } catch {
    return false;
  }
}
