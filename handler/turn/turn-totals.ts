import type { TurnTotals } from '../charge.ts';
import type { Response, Usage } from '../protocol/response.ts';
import { costsOf, type TurnCosts } from './turn-costs.ts';
import { countUsage, tokensOf } from './turn-tokens.ts';

/** What is known of a turn by its last response. */
type Ending = Pick<Response, 'usage' | 'status'>;

/**
 * What a turn that ends as `response` has used, before anybody is told of that end: what servers have counted, and an estimate of
 * the rest.
 */
export function totalsOf(turn: TurnCosts, response: Ending): TurnTotals {
  countLast(turn, response);
  return { tokens: tokensOf(turn), costs: costsOf(turn, true) };
}

/** Takes in what the last response of a turn says of its usage. */
export function countLast(turn: TurnCosts, { usage, status }: Ending): void {
  if (usage) countUsage(turn, usage, true);
  else if (status === 'failed' && turn.deltas === 0) turn.uncountedInput = 0; // perhaps nothing was read
}

/** Takes in what a turn had used before its process died. If another call follows, it reads so many tokens, where that is known. */
export function countEarlier(
  turn: TurnCosts,
  { usage, reads }: { usage: Usage | null; reads?: number | undefined },
): void {
  if (usage) countUsage(turn, usage, false);
  if (reads !== undefined) turn.uncountedInput = reads;
}
