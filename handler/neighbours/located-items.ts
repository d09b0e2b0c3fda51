import type { InputItem } from '../items/input.ts';
import type { InputPart } from '../protocol/content.ts';

/** An item of an input, with the place of what it was made of, and those of its parts. */
interface Placed {
  item: InputItem;
  at: string;
  parts: string[];
}

/** The items of messages, in their order, each with its place in the request. */
export class LocatedItems {
  readonly #placed: Placed[] = [];

  /** The items. */
  get items(): InputItem[] {
    return this.#placed.map(({ item }) => item);
  }

  /** The place in the request of what a field of the items was made of: `input[2].content[1]`. */
  placeOf(index: number, part: number | undefined): string | undefined {
    const placed = this.#placed[index];
    return (part === undefined ? undefined : placed?.parts[part]) ?? placed?.at;
  }

  /** Adds an item. */
  add(item: InputItem, at: string): void {
    this.#placed.push({ item, at, parts: [] });
  }

  /** Adds parts of a message, to the last item if that is a message of the same role and `joins`. */
  say(role: 'user' | 'system' | 'developer', parts: readonly InputPart[], at: string, joins: boolean): void {
    const last = this.#placed.at(-1);
    const open = joins && last?.item.type === 'message' && last.item.role === role ? last : undefined;
    const content: InputPart[] = [];
    const target = open ?? { item: { type: 'message' as const, role, content }, at, parts: [] };
    if (!open) this.#placed.push(target);
    const list = target.item.type === 'message' && Array.isArray(target.item.content) ? target.item.content : content;
    for (const part of parts) {
      list.push(part);
      target.parts.push(at);
    }
  }
}
