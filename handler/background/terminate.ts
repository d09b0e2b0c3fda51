import { ApiError } from '../errors.ts';
import { fold } from '../events/fold.ts';
import type { Response } from '../protocol/response.ts';
import { Conflict } from '../state/database/database.ts';
import { insertDeliveries } from '../state/deliveries.ts';
import { removeJob } from '../state/jobs.ts';
import { insertBlock, isLifecycle, readLog, requireNoBlock, toLine } from '../state/log.ts';
import { PROCESS_DIED } from '../state/process-lease.ts';
import { getStoredResponse } from '../state/responses.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { writeEnd } from '../state/turn-rows.ts';
import { isUnknown } from '../state/until-known.ts';
import { closingEvents } from '../turn/closing.ts';
import { failedResponse } from '../turn/turn.ts';
import { type Charging, readCutTurn } from './cut-turn.ts';

/** Attempts to end a response while the process that runs it writes at the same time. */
const MAX_TRIES = 20;

/**
 * Ends a background response from its log: as cancelled, whichever process runs it, or with a failure as failed, if this
 * process runs it. Open items end as incomplete, and the runner can write nothing more. A response that has ended stays as it
 * is.
 */
export async function terminate(store: TenantStore, charging: Charging, id: string, failure?: ApiError): Promise<void> {
  const { database, tenant, lease } = store;
  for (let tries = 1; ; tries++) {
    const stored = await getStoredResponse(store, id);
    if (hasEnded(stored.status)) return;
    let response: Response = { ...stored, output: [] };
    let block = 0;
    let last = -1;
    const cut = await readCutTurn(store, charging, stored);
    for (let more = true; more; ) {
      const part = await readLog(store, id, block, -1);
      for (const event of part.events) {
        if (!isLifecycle(event)) response = fold(response, event);
        cut.count(event);
        last = event.sequence_number;
      }
      block = part.next;
      more = part.more;
    }
    const lines: string[] = [];
    for (const event of closingEvents(response, last + 1, failure)) {
      response = fold(response, event);
      last = event.sequence_number;
      lines.push(toLine(event));
    }
    const final: Response = failure ? failedResponse(response, failure) : { ...response, status: 'cancelled' };
    try {
      await database.batch({
        log: lines.length > 0 ? insertBlock(tenant, id, block, lines, last) : requireNoBlock(tenant, id, block),
        webhooks: insertDeliveries(tenant, final, store.webhooks),
        job: removeJob(tenant, id),
        end: writeEnd(
          {
            tenant,
            response: final,
            writtenItems: stored.output.length,
            inputItems: 0,
            conversation: final.conversation && { id: final.conversation.id, base: 0 },
            logUntil: Date.now() + store.logRetention,
          },
          failure && lease.id,
        ),
        charge: cut.charge(final),
      });
      return;
    } catch (error) {
      if (!(error instanceof Conflict || isUnknown(error)) || tries >= MAX_TRIES) throw error;
      if (failure && error instanceof Conflict) return; // it has ended, or another process owns it
    }
  }
}

/** Whether a status is final. */
export function hasEnded(status: string): boolean {
  return status !== 'queued' && status !== 'in_progress';
}

/** The error of a turn whose process has died in the middle of it. */
export function processDied(): ApiError {
  return new ApiError('server', PROCESS_DIED);
}
