import type { Admission, TurnLimits } from '../allowances/port.ts';
import { type Caller, limitsUse } from '../caller.ts';
import { ApiError } from '../errors.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';

/** Admits a turn by the limits that there are, as `TurnLimits` does; undefined where nothing limits it. */
export function admitTurn(
  { turnLimits }: { turnLimits: TurnLimits | undefined },
  caller: Caller,
  summary: TurnSummary,
): Admission | Promise<Admission> | undefined {
  if (turnLimits) return turnLimits.admit(caller, summary);
  // Limits that nothing counts would be none.
  if (limitsUse(caller))
    throw new ApiError('server', 'The limits of your key cannot be counted here.', {
      retry: false,
      cause: new Error('limits per minute and budgets need the option openLimits of the root, from antiphon/limits'),
    });
  return undefined;
}
