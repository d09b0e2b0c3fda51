import type { ModelCall, Prepare } from '../backend/backend.ts';
import { describe, log } from '../log.ts';
import { countTokens, estimateTokens, type Tokenizer } from './estimate.ts';
import { openFirst, type TurnCalls } from './first-call.ts';

/** What a count may use beside the model's server. */
export interface CountMeans {
  /** What stands for instructions of OpenAI's own, where the client says so. */
  personality: string | null | undefined;
  /** Loads what estimates tokens where the server does not count them. */
  tokenizer: (() => Promise<Tokenizer>) | undefined;
}

/**
 * The input tokens of the first model call of a turn, as its server counts them, else an estimate. Throws an ApiError for
 * what the turn itself would be refused for.
 */
export async function countFirstCall(
  prepare: Prepare,
  turn: TurnCalls,
  { personality, tokenizer }: CountMeans,
  signal: AbortSignal,
): Promise<number> {
  const { call, prepared } = await openFirst(prepare, turn, signal);
  return (await prepared.countTokens?.(signal, personality)) ?? (await estimate(call, tokenizer));
}

async function estimate(call: ModelCall, load: CountMeans['tokenizer']): Promise<number> {
  try {
    if (load) return await countTokens(call, await load());
  } catch (error) {
    log.error('the tokenizer could not count', { error: describe(error) });
  }
  return estimateTokens(call);
}
