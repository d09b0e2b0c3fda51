import { parseJson } from '../../parse-json.ts';
import { isObject } from '../../protocol/json.ts';
import { text } from './json-fields.ts';

/** A block of thinking that the server wants back as it was: it has signed or sealed it. */
export type Thought =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string };

/** How the `encrypted_content` begins that holds a block; other servers' seals begin otherwise. */
const SEAL = 'anthropic.1.';

/**
 * A block as the `encrypted_content` of a reasoning item, by which it comes back in later turns. All of it is there: some
 * clients send back nothing else of an item.
 */
export function sealThought(thought: Thought): string {
  return SEAL + JSON.stringify(thought);
}

/** The block that was sealed; undefined for what another server has sealed, and for what is garbled. */
export function unsealThought(sealed: string | null | undefined): Thought | undefined {
  if (!sealed?.startsWith(SEAL)) return undefined;
  try {
    const thought: unknown = parseJson(sealed.slice(SEAL.length));
    if (!isObject(thought)) return undefined;
    const { type, data, thinking, signature } = thought;
    if (type === 'redacted_thinking' && text(data)) return { type, data: text(data) };
    if (type === 'thinking' && text(signature)) return { type, thinking: text(thinking), signature: text(signature) };
  } catch {
    // Garbled.
  }
  return undefined;
}
