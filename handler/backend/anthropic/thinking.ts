import type { ModelCall } from '../backend.ts';

/** Models before 4.6, which think within a token budget and refuse adaptive thinking. */
const BUDGETED = /claude-(3|(opus|sonnet|haiku)-4(-[015])?(?=$|-20|[@:]))/;

/** The thinking budget of each effort, in tokens. Our choice: the API defines none. */
const BUDGETS: Record<string, number> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 49_152,
};

/** The smallest budget the API accepts. */
const MIN_BUDGET = 1_024;

/** How a request asks for thinking. */
export interface Thinking {
  type: string;
  display?: string;
  budget_tokens?: number;
}

/**
 * The thinking and effort of a call, within `maxTokens` in all. With a `forced` tool the API accepts no thinking.
 * Thinking is requested as a summary, as from other backends.
 */
export function thinkingOf(
  { model, reasoning }: ModelCall,
  maxTokens: number,
  forced: boolean,
): { thinking: Thinking | null; effort?: string | null } {
  const { effort, summary } = reasoning;
  if (BUDGETED.test(model)) {
    const budget_tokens = BUDGETS[effort ?? ''] ?? 0;
    return { thinking: forced ? null : thinkingWithin({ type: 'enabled', budget_tokens }, maxTokens) };
  }
  if (effort === 'none') return { thinking: { type: 'disabled' } };
  const wantsThinking = effort !== null || summary !== null;
  return {
    thinking: wantsThinking && !forced ? { type: 'adaptive', display: 'summarized' } : null,
    // The API's lowest is low.
    effort: effort === 'minimal' ? 'low' : effort,
  };
}

/** The same thinking within `maxTokens` in all; null if no budget that the API accepts is left. */
export function thinkingWithin(thinking: Thinking, maxTokens: number): Thinking | null {
  if (thinking.budget_tokens === undefined) return thinking;
  // At least half stays for the answer.
  const budget_tokens = Math.min(thinking.budget_tokens, Math.floor(maxTokens / 2));
  return budget_tokens < MIN_BUDGET ? null : { ...thinking, budget_tokens };
}
