import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { type ClientItem, newItemId, toItem } from '../items/item.ts';
import { type Answer, type Call, isAnswer, isCall } from '../items/roles.ts';
import { fromLatestCompaction } from './compaction.ts';

/** A turn's input: its new items, and all that the model sees. */
export interface JoinedInput {
  own: Item[];
  whole: Item[];
}

/**
 * Appends a request's input to its history. Items the client repeats are left out, and so are calls that were cut and
 * have no output. Items the conversation holds but the history does not (`repeatedIds`) go to the model, and are not new.
 * Of two items with one id the second gets another where nothing is `stored`. Throws an ApiError for a duplicate id else,
 * for an output without its call, and for a call without its output.
 */
export function joinInput(
  history: readonly Item[],
  input: string | readonly ClientItem[],
  repeatedIds: readonly string[] = [],
  stored = true,
): JoinedInput {
  const sent =
    typeof input === 'string'
      ? [toItem({ type: 'message', role: 'user', content: input })]
      : itemsOf(input, 'input', stored);
  const newItems = history.length === 0 ? sent : sent.filter(isNew(history));
  const items = fromLatestCompaction(history, newItems);
  const cut = checkCalls(items);
  const known = new Set(repeatedIds);
  return {
    own: newItems.filter(({ id }) => !known.has(id)),
    whole: cut.size > 0 ? items.filter((item) => !cut.has(item)) : items,
  };
}

/**
 * The stored form of the items in the member `param`. Throws an ApiError for a duplicate id, which gets another if nothing is
 * `stored`: clients split an item of several parts, or number messages of their own.
 */
export function itemsOf(input: readonly ClientItem[], param: string, stored = true): Item[] {
  const ids = new Set<string>();
  return input.map((clientItem) => {
    const item = toItem(clientItem);
    if (ids.has(item.id) && stored) throw refused(`Two items have the same id: ${item.id}`, param);
    if (ids.has(item.id)) return { ...item, id: newItemId(item.type) };
    ids.add(item.id);
    return item;
  });
}

/** Whether an item is new, by its id; a call or its output also by its content. */
function isNew(history: readonly Item[]): (item: Item) => boolean {
  const ids = new Set(history.map(({ id }) => id));
  const byCall = new Map<string | null, (Call | Answer)[]>();
  const open = new Set<string | null>();
  for (const item of history) {
    if (isCall(item)) open.add(item.call_id);
    else if (isAnswer(item)) open.delete(item.call_id);
    else continue;
    add(byCall, item.call_id, item);
  }
  // Serialized on demand, for the calls an input item may repeat: serializing the whole history takes longer than
  // reading it.
  const contents = new Map<string | null, Set<string>>();
  const isRepeated = (item: Call | Answer) => {
    const known = contents.get(item.call_id) ?? new Set(byCall.get(item.call_id)?.map(contentOf));
    contents.set(item.call_id, known);
    return known.has(contentOf(item));
  };
  return (item) => {
    if (ids.has(item.id)) return false;
    // Some servers reuse call ids in every turn, so an output for an open call is always new.
    if (isAnswer(item)) return open.has(item.call_id) || !isRepeated(item);
    return !isCall(item) || !isRepeated(item);
  };
}

function contentOf(item: Call | Answer): string {
  // Sorted, since clients differ in the order of members; without those that some clients leave out.
  // A namespace of the function's own name is none.
  const namespace = 'namespace' in item && item.namespace !== item.name ? item.namespace : null;
  return JSON.stringify(
    Object.entries({ ...item, namespace, id: null, status: null, caller: null, async: null }).sort(([a], [b]) =>
      a < b ? -1 : 1,
    ),
  );
}

/** The calls that were cut and have no output. Throws an ApiError for any other without one, and for an output without its call. */
function checkCalls(items: readonly Item[]): Set<Item> {
  const waiting = new Set<Call>();
  const cut = new Set<Item>();
  const byCall = new Map<string | null, Call[]>();
  for (const item of items) {
    if (isCall(item)) {
      if (item.status === 'incomplete') cut.add(item);
      if (item.call_id === null) continue;
      waiting.add(item);
      add(byCall, item.call_id, item);
    } else if (isAnswer(item) && item.call_id !== null) {
      const calls = byCall.get(item.call_id) ?? [];
      // The latest call, as servers reuse ids, and rather one that was not cut.
      const at = calls.findLastIndex((call) => !cut.has(call));
      const [call] = calls.splice(at < 0 ? -1 : at, 1);
      if (!call) throw refused(`No tool call found for function call output with call_id ${item.call_id}.`);
      waiting.delete(call);
      cut.delete(call);
    }
  }
  for (const call of waiting) {
    if (cut.has(call) || ('async' in call && call.async === true) || isServerSearch(call)) continue;
    throw refused(`No tool output found for function call ${call.call_id}.`);
  }
  return cut;
}

/** A search that a server ran waits for no output of the client's. */
function isServerSearch(call: Call): boolean {
  return call.type === 'tool_search_call' && call.execution === 'server';
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function refused(message: string, param = 'input'): ApiError {
  return new ApiError('refused', message, { param });
}
