import type { TurnTokens } from '../charge.ts';
import type { Usage } from '../protocol/response.ts';
import { estimateTokens, type ModelInput } from './estimate.ts';

/** What a model has said that its server has not counted yet: its deltas, and their characters. */
export interface SaidCount {
  deltas: number;
  characters: number;
}

/** What is known of the tokens of a turn, `countUsage` keeps up to date. What was said is that beyond the usage. */
export interface TokenCount extends SaidCount {
  /** The tokens of its finished model calls, as their servers said. */
  usage: Usage | null;
  /** What it read beyond that usage, in tokens; null until that is estimated from `modelInput`. */
  uncountedInput: number | null;
  /** What the first call sends. */
  modelInput: ModelInput;
  /** An estimate of a call that failed without an end of the turn, and that its server has not counted. */
  lost?: LostTokens | undefined;
}

/** Tokens that a call has read and said. */
export interface LostTokens {
  input: number;
  output: number;
}

/** Characters per token of what a model says. Most servers send a delta for each token, which counts where it is more. */
const CHARACTERS_PER_TOKEN = 4;

/** An estimate of the output tokens that no usage has yet. */
export function uncountedOutput({ deltas, characters }: SaidCount): number {
  return Math.max(deltas, Math.ceil(characters / CHARACTERS_PER_TOKEN));
}

/** The tokens so far: what servers said, and an estimate of what they have not counted yet. */
export function tokensOf(count: TokenCount): TurnTokens {
  const { usage, lost } = count;
  count.uncountedInput ??= estimateTokens(count.modelInput);
  const input = count.uncountedInput + (lost?.input ?? 0);
  const output = uncountedOutput(count) + (lost?.output ?? 0);
  return {
    input: (usage?.input_tokens ?? 0) + input,
    cached: usage?.input_tokens_details.cached_tokens ?? 0,
    cacheWrite: usage?.input_tokens_details.cache_write_tokens ?? 0,
    output: (usage?.output_tokens ?? 0) + output,
    reasoning: usage?.output_tokens_details.reasoning_tokens ?? 0,
    total: (usage?.total_tokens ?? 0) + input + output,
  };
}

/** Takes in a delta of what the model says. */
export function countDelta(count: SaidCount, delta: string): void {
  count.deltas++;
  count.characters += delta.length;
}

/** Takes in the usage of all calls so far. If another call follows, it reads at least what the last one read and said. */
export function countUsage(count: TokenCount, usage: Usage, isLast: boolean): void {
  const said = ({ input_tokens, output_tokens }: Usage) => input_tokens + output_tokens;
  const lastCall = said(usage) - (count.usage ? said(count.usage) : 0);
  Object.assign(count, { usage, deltas: 0, characters: 0, uncountedInput: isLast ? 0 : lastCall });
}
