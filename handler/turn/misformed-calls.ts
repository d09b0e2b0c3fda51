import type { ItemEvent } from '../events/events.ts';
import type { FunctionCall } from '../items/function.ts';
import type { OutputItem } from '../items/item.ts';
import type { ClientTool } from '../protocol/tools.ts';

/** What the model is told of a call with arguments that do not fit its tool. */
export const MISFORMED =
  'Not run: the arguments do not fit the parameters of this function. Call it again with some that do.';

/** Whether these tools have any whose calls can be misformed. */
export function canMisform(tools: readonly ClientTool[]): boolean {
  return tools.some((tool) => !('name' in tool));
}

/**
 * Calls of built-in tools (`shell`, `apply_patch`) whose arguments do not fit, as small models make them. They come from
 * backends as calls of functions that the client does not have, and are held back until it is known who gets them.
 */
export class MisformedCalls {
  readonly #names: ReadonlySet<string>;
  readonly #held = new Map<number, ItemEvent[]>();

  /** Of the tools that a turn offers at first. */
  constructor(tools: readonly ClientTool[]) {
    const own = new Set(tools.map((tool) => ('name' in tool ? tool.name : '')));
    this.#names = new Set(tools.flatMap((tool) => ('name' in tool || own.has(tool.type) ? [] : [tool.type])));
  }

  /** Whether an item is such a call. */
  includes(item: OutputItem): item is FunctionCall {
    return item.type === 'function_call' && item.namespace === undefined && this.#names.has(item.name);
  }

  /** Keeps an event of such a call, and says whether it has. */
  holds(event: ItemEvent): boolean {
    if (this.#names.size === 0 || !('output_index' in event)) return false;
    if (event.type === 'response.output_item.added' && this.includes(event.item))
      this.#held.set(event.output_index, []);
    const events = this.#held.get(event.output_index);
    events?.push(event);
    return events !== undefined;
  }

  /** The events that were kept, which are forgotten. */
  release(): ItemEvent[] {
    const events = [...this.#held.values()].flat();
    this.#held.clear();
    return events;
  }
}
