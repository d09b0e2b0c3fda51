import type { Caller } from '../caller.ts';
import type { RequestOrigin } from '../state/request-origin.ts';
import { costsOf } from '../turn/turn-costs.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';
import { tokensOf } from '../turn/turn-tokens.ts';
import { type Admission, admit, resumeAdmission, type TurnUse } from './admission.ts';
import { type Allowance, type AllowanceRules, allowancesOf } from './allowance.ts';
import type { Ledger } from './ledger.ts';

/** What turns are admitted by. */
export interface Admitting {
  ledger: Ledger;
  /** Undefined where the configuration limits nobody. */
  allowances: AllowanceRules | undefined;
}

/** What a caller has that may limit it. */
type LimitedCaller = Pick<Caller, 'id' | 'tenant' | 'user' | 'key' | 'limits' | 'budgets'>;

/** Use of nothing. */
export const NO_USE: TurnUse = { tokens: 0, costs: {} };

/**
 * Admits the turn of a summary, with what it is going to send: at once if that needs no answer of the database, else a promise.
 * Undefined where nothing limits it. Throws or rejects with the ApiError of a limit that it meets.
 */
export function admitTurn(
  { ledger, allowances }: Admitting,
  caller: LimitedCaller,
  summary: TurnSummary,
): Admission | Promise<Admission> | undefined {
  if (!allowances && !caller.limits && !caller.budgets) return undefined;
  const all = holdingFor(summary, allowances, caller);
  return all.length > 0 ? admit(ledger, all, estimateFor(summary, all)) : undefined;
}

/** The admission of a turn that was admitted when it was asked for, and is made now; undefined where nothing limits it. */
export function resumeTurn(
  { ledger, allowances }: Admitting,
  { caller: origin, limited }: Partial<RequestOrigin> = {},
  summary: TurnSummary,
): Admission | undefined {
  const { id = '', tokensPerMinute, budgets } = limited ?? {};
  const caller = {
    ...origin,
    id,
    ...(tokensPerMinute !== undefined && { limits: { tokensPerMinute } }),
    ...(budgets && { budgets }),
  };
  if (!allowances && !caller.limits && !caller.budgets) return undefined;
  const all = holdingFor(summary, allowances, caller).filter(({ measure }) => measure !== 'requests');
  return all.length > 0 ? resumeAdmission(ledger, all, estimateFor(summary, all)) : undefined;
}

/** What a turn has used so far. */
export function useOf(summary: TurnSummary): TurnUse {
  return { tokens: tokensOf(summary).total, costs: costsOf(summary) };
}

/** Its allowances; a budget is nothing to a model that has no costs. */
function holdingFor(
  { model, meter }: TurnSummary,
  rules: AllowanceRules | undefined,
  caller: LimitedCaller,
): readonly Allowance[] {
  const all = allowancesOf(rules, caller, model);
  return meter ? all : all.filter(({ measure }) => measure !== 'cost');
}

/** Tokens are only counted where they matter, since that takes longer the longer the input is. */
function estimateFor(summary: TurnSummary, all: readonly Allowance[]): TurnUse {
  return all.some(({ measure }) => measure !== 'requests') ? useOf(summary) : NO_USE;
}
