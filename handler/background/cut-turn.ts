import type { CostRules } from '../costs.ts';
import type { Response } from '../protocol/response.ts';
import type { ModelAddress, Models } from '../routing/models.ts';
import { insertCharge } from '../state/charges.ts';
import type { Statement } from '../state/database/database.ts';
import { findProgress } from '../state/jobs.ts';
import type { LoggedEvent } from '../state/log.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { chargeOf } from '../turn/charge-of.ts';
import { newTurnSummary } from '../turn/turn-summary.ts';
import { countDelta } from '../turn/turn-tokens.ts';
import { countEarlier } from '../turn/turn-totals.ts';
import { readProgress } from './stored-job.ts';

/** What turns are charged by. */
export interface Charging {
  models: Models;
  costs: CostRules;
}

/** A background turn that is ended from its log, as far as it is charged. */
export interface CutTurn {
  /** Takes in an event of its log. */
  count(event: LoggedEvent): void;
  /** Inserts its charge: the rounds that its model has answered and, of a cancelled one, an estimate of the one that was cut. */
  charge(final: Response): Statement[];
}

const UNCHARGED: CutTurn = { count() {}, charge: () => [] };

/** Reads what the turn of a response that has not ended has used so far. */
export async function readCutTurn(
  store: TenantStore,
  { models, costs }: Charging,
  response: Response,
): Promise<CutTurn> {
  if (!store.charges) return UNCHARGED;
  const job = await findProgress(store, response.id);
  const caller = job?.requestOrigin?.caller ?? {};
  const progress = progressOf(job?.progress);
  const summary = newTurnSummary(response, addressOf(models, response.model), caller, costs.of(response.model));
  if (progress) countEarlier(summary, progress);
  const isCalling = response.status !== 'queued' || summary.usage !== null;
  if (!progress || !isCalling) summary.uncountedInput = 0;
  const from = progress?.number ?? 0;
  return {
    count(event) {
      if (event.sequence_number < from) return;
      if (event.type === 'response.compaction.compacting') countDelta(summary, '');
      else if ('delta' in event && typeof event.delta === 'string') countDelta(summary, event.delta);
    },
    charge(final) {
      // Of a turn whose process died nobody knows what that call used.
      if (final.status === 'failed') Object.assign(summary, { deltas: 0, characters: 0, uncountedInput: 0 });
      const charge = chargeOf(store, caller, summary, 'background');
      return charge ? [insertCharge(charge(final, 0))] : [];
    },
  };
}

/** What could not be read charges nothing: the turn ends as failed. */
function progressOf(stored: string | undefined) {
  try {
    return stored === undefined ? undefined : readProgress(stored);
  } catch {
    return undefined;
  }
}

/** Where a model is, unless the configuration has it no more. */
function addressOf(models: Models, model: string): ModelAddress {
  try {
    return models.find(model).address;
  } catch {
    return { backend: '', urlHost: null };
  }
}
