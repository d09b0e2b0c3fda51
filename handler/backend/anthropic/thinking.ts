import type { ModelCall } from '../backend.ts';

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
const MIN_BUDGET = 1_024;

/** How a request asks for thinking. */
export interface Thinking {
  type: string;
  display?: string;
  budget_tokens?: number;
}

/**
 * How hard the model is to think, of at most `maxTokens` tokens in all. Where a tool is `forced` the API takes no wish to
 * think. Thinking is shown in summary where we ask for it, as that of other backends is.
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
    // The API's least is low.
    effort: effort === 'minimal' ? 'low' : effort,
  };
}

/** The same of at most `maxTokens` tokens in all; null where there is no budget that the API would take. */
export function thinkingWithin(thinking: Thinking, maxTokens: number): Thinking | null {
  if (thinking.budget_tokens === undefined) return thinking;
  // Half of all is for the answer at least: with one token left for it there would be none.
  const budget_tokens = Math.min(thinking.budget_tokens, Math.floor(maxTokens / 2));
  return budget_tokens < MIN_BUDGET ? null : { ...thinking, budget_tokens };
}
