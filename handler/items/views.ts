import { kinds } from './index.ts';
import type { ClientItems, Items, OutputItem } from './item.ts';
import type { ModelsCall, ToolAnswer, ToolCall } from './kind.ts';
import type { MediaUrl } from './media.ts';

/** The optional translations of each item kind. */
const views: {
  [T in keyof Items]: {
    role: string;
    asInput?(item: Items[T]): object;
    asText?(item: Items[T]): string | undefined;
    asCall?(item: Items[T]): ToolCall;
    asAnswer?(item: Items[T]): ToolAnswer;
    failed?(item: Items[T], why: string, call?: ModelsCall): Items[T];
    media?(item: Items[T] | ClientItems[T]): Iterable<MediaUrl>;
  };
} = kinds;

/** The item's call as a function call; undefined for an item without one. */
export function callOf<T extends keyof Items>(item: Items[T] & { type: T }): ToolCall | undefined {
  return views[item.type].asCall?.(item);
}

/** What the item says that a hosted tool of another server has done; undefined for any other item. */
export function recordOf<T extends keyof Items>(item: Items[T] & { type: T }): string | undefined {
  return views[item.type].asText?.(item);
}

/** The item's output as a function's output; undefined for an item without one. */
export function answerOf<T extends keyof Items>(item: Items[T] & { type: T }): ToolAnswer | undefined {
  return views[item.type].asAnswer?.(item);
}

/** The item of a tool's call, as the model made it, that was ended before it had a result; it says why if it has a place for that. */
export function failedItem(item: OutputItem, why: string, call?: ModelsCall): OutputItem {
  return failedOf(item, why, call) ?? ({ ...item, status: 'failed' } as OutputItem); // the items of tools can fail
}

function failedOf<T extends keyof Items>(
  item: Items[T] & { type: T },
  why: string,
  call?: ModelsCall,
): OutputItem | undefined {
  return views[item.type].failed?.(item, why, call) as OutputItem | undefined; // of the same type
}

/** An item as OpenAI takes it in an input: most without their ids, which would be looked up where nothing is stored. */
export function asInput<T extends keyof Items>(item: Items[T] & { type: T }): object {
  const { id: _, ...rest } = item;
  return views[item.type].asInput?.(item) ?? rest;
}

/** The URLs in an item, kept or as a client sent it, that are for others to fetch. */
export function mediaOf<T extends keyof Items>(item: (Items[T] | ClientItems[T]) & { type: T }): Iterable<MediaUrl> {
  return views[item.type].media?.(item) ?? [];
}
