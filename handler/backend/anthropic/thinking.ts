import { parseJson } from '../../parse-json.ts';
import { isObject } from '../../protocol/json.ts';
import type { ModelCall } from '../backend.ts';
import { text } from '../server/json-fields.ts';

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

/** The models that think only within a budget, by their names: those before 4.6, which refuse what came after it. */
const BUDGETED = /claude-(3|(opus|sonnet|haiku)-4(-[015])?(?=$|-20|[@:]))/;

/** Tokens to think with, of the models that ask for a number; the API has none of its own for these words. */
const BUDGETS: Record<string, number> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 49_152,
};

/** The least that the API takes as a budget. */
const LEAST_BUDGET = 1_024;

/**
 * How hard the model is to think, of at most `most` tokens in all. Where a tool is `forced` the API takes no wish to
 * think. Thinking is shown in summary where we ask for it, as that of other backends is.
 */
export function thinkingOf({ model, reasoning }: ModelCall, most: number, forced: boolean) {
  const { effort, summary } = reasoning;
  if (BUDGETED.test(model)) {
    // Half of all is for the answer at least: with one token left for it there would be none.
    const budget_tokens = Math.min(BUDGETS[effort ?? ''] ?? 0, Math.floor(most / 2));
    return { thinking: forced || budget_tokens < LEAST_BUDGET ? null : { type: 'enabled', budget_tokens } };
  }
  if (effort === 'none') return { thinking: { type: 'disabled' } };
  const asked = effort !== null || summary !== null;
  return {
    thinking: asked && !forced ? { type: 'adaptive', display: 'summarized' } : null,
    // The API's least is low.
    effort: effort === 'minimal' ? 'low' : effort,
  };
}
