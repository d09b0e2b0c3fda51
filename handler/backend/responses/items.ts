import { type CallMarks, usableCallId } from '../../events/item-writer.ts';
import { kinds } from '../../items/index.ts';
import { newItemId, type OutputItem, toItem } from '../../items/item.ts';
import { Phase } from '../../items/message.ts';
import { log } from '../../log.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { check } from '../../validate.ts';
import { usableName } from '../functions/called-name.ts';
import { garbled } from '../server/failure.ts';
import { object, objects, text } from '../server/json-fields.ts';

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

/** The parts of an item, which some servers write as one text. */
export function partsOf(parts: unknown): JsonObject[] {
  return typeof parts === 'string' ? [{ text: parts }] : objects(parts);
}

/** The text of an item's parts. */
export function textOf(parts: unknown): string {
  return partsOf(parts).map(partText).join('');
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
  return partsOf(parts).map((part, at) => {
    const all = partText(part);
    const delta = all.slice(skip);
    skip = Math.max(0, skip - all.length);
    return { at, delta };
  });
}

/** The phase of a message, if it is one that is known. */
export function phaseOf({ phase }: JsonObject): Phase | undefined {
  return Phase.options.find((known) => known === phase);
}

/** The marks of a call. Callers other than `direct` (programs) are never offered to the model. */
export function marksOf({ async: isAsync, caller }: JsonObject): CallMarks {
  return {
    ...(typeof isAsync === 'boolean' && { async: isAsync }),
    ...(object(caller).type === 'direct' && { caller: { type: 'direct' } }),
  };
}
