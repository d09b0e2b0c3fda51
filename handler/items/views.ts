import { kinds } from './index.ts';
import type { ClientItems, Items } from './item.ts';
import type { ToolAnswer, ToolCall } from './kind.ts';
import type { MediaUrl } from './media.ts';

/** What each type's kind may say of how others see an item. */
const views: {
  [T in keyof Items]: {
    role: string;
    asInput?(item: Items[T]): object;
    asCall?(item: Items[T]): ToolCall;
    asAnswer?(item: Items[T]): ToolAnswer;
    media?(item: Items[T] | ClientItems[T]): Iterable<MediaUrl>;
  };
} = kinds;

/** The call that an item is, or shows, as models see it that know only functions; undefined for an item of another kind. */
export function callOf<T extends keyof Items>(item: Items[T] & { type: T }): ToolCall | undefined {
  return views[item.type].asCall?.(item);
}

/** The answer that an item holds, in the same way; undefined for an item without one. */
export function answerOf<T extends keyof Items>(item: Items[T] & { type: T }): ToolAnswer | undefined {
  return views[item.type].asAnswer?.(item);
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
