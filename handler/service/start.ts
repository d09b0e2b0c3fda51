import type { Admission } from '../allowances/port.ts';
import type { CallOptions, Prepare } from '../backend/backend.ts';
import type { ChargeKind } from '../charge.ts';
import { ApiError } from '../errors.ts';
import { withObfuscation } from '../events/obfuscate.ts';
import { reviewed } from '../hooks/after.ts';
import { withModelNames } from '../routing/model-names.ts';
import type { IdempotencyKey } from '../state/idempotency.ts';
import { type NewTurn, recordAtEnd, recordCharge, recordTurn, type StoredRecord } from '../state/record.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { admitNext } from '../turn/admit-next.ts';
import { type ChargeOf, chargeOf } from '../turn/charge-of.ts';
import { unrecorded } from '../turn/record.ts';
import { openTurn } from '../turn/turn.ts';
import { observe, observeRefusal, type TurnNews } from '../turn/turn-summary.ts';
import { admitTurn } from './admit.ts';
import type { RequestContext } from './context.ts';
import type { EventFeed } from './feed.ts';
import { takePlace } from './place.ts';
import type { PlannedTurn } from './plan.ts';
import type { Services } from './services.ts';
import { turnReport } from './turn-report.ts';

/** How a turn is started beside its plan. */
export interface TurnStart {
  /** What its charge is for; nothing is charged without it, since no model is called. */
  kind: ChargeKind | undefined;
  key?: IdempotencyKey | undefined;
}

/**
 * Starts a turn if the caller's limits admit it and once there is a place, stores its start if it is to be stored, and calls the
 * model. Throws an ApiError for a limit that it meets, for what the backend cannot carry, if another turn was first in its
 * conversation or under its key, if there is no place, and if the model's server refuses within `limits.head`; then nothing is stored.
 */
export async function startTurn(
  services: Services,
  ctx: RequestContext,
  planned: PlannedTurn,
  { kind, key }: TurnStart,
): Promise<EventFeed> {
  const { limits, seal } = services;
  const { store, ingress } = ctx;
  const { request, turn, prepare, summary, showsServed } = planned;
  // No model is called where nothing is charged.
  const admitting = kind && admitTurn(services, ctx.caller, summary);
  const admission = admitting instanceof Promise ? await admitting : admitting;
  let settle = (made: Admission) => made.undo();
  let leave = () => {};
  const charge = kind && chargeOf(store, ctx.caller, summary, kind);
  const record = turn.response.store ? recordOf(store, planned, { key, charge }) : undefined;
  const whole = Promise.withResolvers<void>();
  const ended = () => {
    leave();
    whole.resolve(admission && settle(admission));
  };
  try {
    const place = await takePlace(services, ctx);
    const { bounds } = place;
    leave = place.leave;
    const answer = Promise.withResolvers<void>();
    let rateLimits = {};
    const answered = (said: object) => {
      rateLimits = said;
      answer.resolve();
    };
    const explain = (error: ApiError) => withModelNames(services, turn.response.model, error);
    const turnOptions = {
      prepare: readingWith(prepare, { joinsDeltas: !request.stream, answered }),
      limits,
      showsServed,
      waiting: bounds.waiting,
      observe: (news: TurnNews) => observe(summary, news),
      explain,
      goesOn: () => admitNext(admission, summary),
      record: reviewed(record ?? (charge ? recordCharge(store, charge) : unrecorded), services, {
        caller: ctx.caller,
        waiting: bounds.waiting,
      }),
      seal: seal(store.tenant),
      isCarried: !services.hooks.after, // which sees calls as they are shown, and could change nothing that is sealed
    };
    const opened = openTurn(turn, turnOptions, bounds.signal);
    await record?.begin();
    // If the client leaves, the turn must still be stored.
    ingress.waitUntil?.(whole.promise);
    // Nobody sees how a reply in one piece begins, so it may wait for the model's answer however long.
    const timer = request.stream ? setTimeout(answer.resolve, limits.head) : undefined;
    const refusal = await opened.refusal(answer.promise).finally(() => clearTimeout(timer));
    const report = (isStream: boolean) =>
      ingress.report?.(turnReport(summary, isStream, ctx.log.attributes?.for('metadata')));
    if (refusal) {
      settle = (made) => made.refused();
      observeRefusal(summary, refusal);
      report(false); // it gets no stream
      await record?.undo();
      throw await explain(refusal);
    }
    settle = (made) => made.end(summary);
    summary.response = turn.response.id; // the first report may be the only one: its client may leave
    report(request.stream === true);
    const { signal, abort, countBytes } = bounds;
    return {
      events: withObfuscation(opened.events, request),
      signal,
      abort,
      countBytes,
      rateLimits: () => (admission ? { ...rateLimits, ...admission.headers() } : rateLimits),
      ended,
    };
  } catch (error) {
    ended();
    throw admission && error instanceof ApiError ? error.withHeaders(admission.headers()) : error;
  }
}

/** The same, with the calls read in this way. */
function readingWith(prepare: Prepare, options: CallOptions): Prepare {
  return (call) => {
    const prepared = prepare(call);
    return { stream: (signal) => prepared.stream(signal, options) };
  };
}

/** The record of a turn: in one write if nobody can know of the turn before its end, unless the database had better be tried first. */
function recordOf(
  store: TenantStore,
  planned: PlannedTurn,
  { key, charge }: { key: IdempotencyKey | undefined; charge: ChargeOf | undefined },
): StoredRecord {
  const turn = { ...newTurn(planned), charge };
  const { previous, conversation } = planned.origin;
  const isKnown = planned.request.stream || previous !== null || conversation !== null || key !== undefined;
  return isKnown || store.lastWrite.failed ? recordTurn(store, { ...turn, key }) : recordAtEnd(store, turn);
}

/** The turn to store. A history that is in no database becomes part of its input, as if the client had sent it. */
function newTurn({ turn: { response, input }, origin, chain, unstored }: PlannedTurn): NewTurn {
  return { response, input: [...unstored, ...input], origin, chain };
}
