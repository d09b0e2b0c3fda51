import type { ModelCall, Prepare } from '../backend/backend.ts';
import { describe, log } from '../log.ts';
import { countTokens, estimateTokens, type Tokenizer } from './estimate.ts';
import { openFirst, type TurnCalls } from './first-call.ts';

/** Options of a token count. */
export interface CountOptions {
  /** The client's `personality`, which stands for instructions of OpenAI's own. */
  personality: string | null | undefined;
  /** Loads the tokenizer for servers that do not count tokens. */
  tokenizer: (() => Promise<Tokenizer>) | undefined;
}

/**
 * The input tokens of a turn's first model call, counted by its server, else estimated. Throws the ApiError that the
 * turn itself would be refused with.
 */
export async function countFirstCall(
  prepare: Prepare,
  turn: TurnCalls,
  { personality, tokenizer }: CountOptions,
  signal: AbortSignal,
): Promise<number> {
  const { call, prepared } = await openFirst(prepare, turn, signal);
  return (await prepared.countTokens?.(signal, personality)) ?? (await estimate(call, tokenizer));
}

async function estimate(call: ModelCall, load: CountOptions['tokenizer']): Promise<number> {
  try {
    if (load) return await countTokens(call, await load());
  } catch (error) {
    log.error('the tokenizer could not count', { error: describe(error) });
  }
  return estimateTokens(call);
}
