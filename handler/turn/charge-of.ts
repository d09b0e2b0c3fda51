import type { Caller } from '../caller.ts';
import type { Charge, ChargeKind } from '../charge.ts';
import type { Response } from '../protocol/response.ts';
import type { TurnSummary } from './turn-summary.ts';
import { totalsOf } from './turn-totals.ts';

/** Whose turns are charged, if any are: a part of the store. */
interface ChargedStore {
  readonly charges?: boolean;
  readonly tenant: string;
}

/** Makes the charge of a turn that ends as this response, and has written so many characters. */
export type ChargeOf = (final: Pick<Response, 'id' | 'status' | 'usage'>, stored: number) => Charge;

/** The charge of a caller's turn; undefined where none is kept. */
export function chargeOf(
  { charges, tenant }: ChargedStore,
  caller: Pick<Caller, 'user' | 'project' | 'key'>,
  summary: TurnSummary,
  kind: ChargeKind,
): ChargeOf | undefined {
  if (!charges) return undefined;
  return (final, stored) => ({
    ...{ tenant, user: caller.user, project: caller.project, key: caller.key },
    ...{ kind, stored, model: summary.model, response: final.id, at: Date.now() },
    ...totalsOf(summary, final),
  });
}
