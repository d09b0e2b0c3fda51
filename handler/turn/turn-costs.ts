import type { CostMeter, Costs } from '../costs.ts';
import { type TokenCount, tokensOf } from './turn-tokens.ts';

/** What the costs of a turn are calculated of. */
export interface TurnCosts extends TokenCount {
  readonly model: string;
  readonly backend: string;
  readonly urlHost: string | null;
  /** Null until it has ended. */
  finish: string | null;
  /** Absent where its model has no costs. */
  readonly meter: CostMeter | undefined;
  /** Its costs, once they were asked for after its end. */
  costs: Costs | null;
}

/**
 * What a turn has cost so far, by the names of the configuration; of one that `isOver` for the last time, and what cannot be
 * calculated then is logged, once.
 */
export function costsOf(turn: TurnCosts, isOver = turn.finish !== null): Costs {
  if (!turn.meter) return {};
  if (turn.costs) return turn.costs;
  const { input, cached, cacheWrite, output, reasoning, total } = tokensOf(turn);
  const values = {
    model: turn.model,
    backend: turn.backend,
    url_host: turn.urlHost ?? '',
    input_tokens: input,
    cached_input_tokens: cached,
    cached_write_input_tokens: cacheWrite,
    output_tokens: output,
    reasoning_tokens: reasoning,
    total_tokens: total,
  };
  const costs = turn.meter.costs(values, isOver);
  if (isOver) turn.costs = costs;
  return costs;
}
