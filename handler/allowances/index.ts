import type { Caller } from '../caller.ts';
import { fixedLimits } from '../limits.ts';
import type { RequestOrigin } from '../state/request-origin.ts';
import { costsOf } from '../turn/turn-costs.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';
import { tokensOf } from '../turn/turn-tokens.ts';
import { admit, difference, holdFor, type TurnHold, type TurnUse } from './admission.ts';
import { type Allowance, type AllowanceRules, allowanceRules, allowancesOf } from './allowance.ts';
import { Ledger } from './ledger.ts';
import { PlaceLedger } from './places.ts';
import type { Admission, OpenLimits, TurnLimits } from './port.ts';
import { TenantBytes } from './stored-bytes.ts';

/** Opens what limits turns: for `openLimits` of the handler's options. */
export const openLimits: OpenLimits = (database, alone) => {
  const ledger = new Ledger(database, alone);
  const places = new PlaceLedger(database, alone);
  return {
    limitsBy: (config) => limitsBy(ledger, allowanceRules(config)),
    storedBytes: (limit) => new TenantBytes(database, limit, alone ? fixedLimits.storedBytesSlices : undefined),
    places,
    async close() {
      await Promise.all([ledger.close(), places.close()]);
    },
  };
};

function limitsBy(ledger: Ledger, rules: AllowanceRules | undefined): TurnLimits {
  return {
    admit(caller, summary) {
      if (!rules && !caller.limits && !caller.budgets) return undefined;
      const all = holdingFor(summary, rules, caller);
      if (all.length === 0) return undefined;
      const held = admit(ledger, all, estimateFor(summary, all));
      return held instanceof Promise ? held.then(admissionOf) : admissionOf(held);
    },
    resume(origin, summary, usage) {
      const all = holdingFor(summary, rules, callerOf(origin)).filter(({ measure }) => measure !== 'requests');
      if (all.length === 0) return undefined;
      const counted = usage ? useOf({ ...summary, usage, deltas: 0, characters: 0, uncountedInput: 0 }) : NOTHING;
      return admissionOf(holdFor(ledger, all, estimateFor(summary, all), counted));
    },
  };
}

function admissionOf({ headers, end, goOn, leave, undo }: TurnHold): Admission {
  return {
    headers,
    end: (summary) => end(useOf(summary)),
    goOn(summary) {
      const [soFar, next] = [useOf({ ...summary, uncountedInput: 0 }), useOf(summary)];
      return goOn(soFar, difference(next, soFar));
    },
    refused: () => end(NOTHING),
    leave,
    undo,
  };
}

const NOTHING: TurnUse = { tokens: 0, costs: {} };

/** Who has asked for a turn, with what his key limits. */
function callerOf({
  caller,
  limited: { id = '', tokensPerMinute, budgets } = { id: '' },
}: Partial<RequestOrigin> = {}): Caller {
  return {
    ...caller,
    id,
    ...(tokensPerMinute !== undefined && { limits: { tokensPerMinute } }),
    ...(budgets && { budgets }),
  };
}

/** What a turn has used so far. */
function useOf(summary: TurnSummary): TurnUse {
  return { tokens: tokensOf(summary).total, costs: costsOf(summary) };
}

/** Its allowances; a budget is nothing to a model that has no costs. */
function holdingFor(
  { model, meter }: TurnSummary,
  rules: AllowanceRules | undefined,
  caller: Caller,
): readonly Allowance[] {
  const all = allowancesOf(rules, caller, model);
  return meter ? all : all.filter(({ measure }) => measure !== 'cost');
}

/** Tokens are only counted where they matter, since that takes longer the longer the input is. */
function estimateFor(summary: TurnSummary, all: readonly Allowance[]): TurnUse {
  return all.some(({ measure }) => measure !== 'requests') ? useOf(summary) : NOTHING;
}
