import { parseObject } from '../../parse-json.ts';
import { text } from '../server/json-fields.ts';
import { backendSeal } from '../server/seal.ts';

/** A block of thinking that the server wants back as it was: it has signed or sealed it. */
export type Thought =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string };

const { seal, open } = backendSeal('anthropic');

/**
 * The block as the `encrypted_content` of a reasoning item, to come back in later turns. It holds the whole block,
 * since some clients send back nothing else.
 */
export function sealThought(thought: Thought): string {
  return seal(JSON.stringify(thought));
}

/** The sealed block; undefined for another's content, or a broken one. */
export function unsealThought(sealed: string | null | undefined): Thought | undefined {
  const json = open(sealed);
  const { type, data, thinking, signature } = (json && parseObject(json)) || {};
  if (type === 'redacted_thinking' && text(data)) return { type, data: text(data) };
  if (type === 'thinking' && text(signature)) return { type, thinking: text(thinking), signature: text(signature) };
  return undefined;
}
