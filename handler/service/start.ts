import { withObfuscation } from '../events/obfuscate.ts';
import type { IdempotencyKey } from '../state/idempotency.ts';
import { type NewTurn, recordTurn } from '../state/record.ts';
import { unrecorded } from '../turn/record.ts';
import { runTurn } from '../turn/turn.ts';
import type { RequestContext } from './context.ts';
import type { EventFeed } from './feed.ts';
import { takePlace } from './place.ts';
import type { PlannedTurn } from './plan.ts';
import type { Services } from './services.ts';

/**
 * Starts a turn once its caller has a place, and stores its start if it is to be stored. Throws an ApiError for what
 * the backend cannot carry, if another turn was first in its conversation or under its key, and if there is no place.
 */
export async function startTurn(
  services: Services,
  ctx: RequestContext,
  planned: PlannedTurn,
  key?: IdempotencyKey,
): Promise<EventFeed> {
  const { limits, seal } = services;
  const { store, ingress } = ctx;
  const { request, turn, prepare } = planned;
  const { bounds, leave } = await takePlace(services, ctx);
  const record = turn.response.store ? recordTurn(store, { ...newTurn(planned), key }) : undefined;
  const whole = Promise.withResolvers<void>();
  const ended = () => {
    leave();
    whole.resolve();
  };
  try {
    const turnOptions = {
      prepare,
      rounds: limits.rounds,
      waiting: bounds.waiting,
      record: record ?? unrecorded,
      seal: seal(store.tenant),
    };
    const events = withObfuscation(runTurn(turn, turnOptions, bounds.signal), request);
    await record?.begin();
    // If the client leaves, the turn must still be stored.
    ingress.waitUntil?.(whole.promise);
    const { signal, abort, countBytes } = bounds;
    return { events, signal, abort, countBytes, ended };
  } catch (error) {
    ended();
    throw error;
  }
}

/** The turn to store. A history that is in no database becomes part of its input, as if the client had sent it. */
function newTurn({ turn: { response, input }, origin, unstored }: PlannedTurn): NewTurn {
  return { response, input: [...unstored, ...input], origin };
}
