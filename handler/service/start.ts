import type { ApiError } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import { asAsked } from '../events/obfuscate.ts';
import type { Ingress } from '../ingress.ts';
import type { IdempotencyKey } from '../state/idempotency.ts';
import { type NewTurn, recordTurn } from '../state/record.ts';
import { type Bounds, startBounds } from '../turn/bounds.ts';
import { unrecorded } from '../turn/record.ts';
import { runTurn } from '../turn/turn.ts';
import type { Services } from './env.ts';
import type { PreparedTurn } from './prepare.ts';

/** A turn that has begun: its events are pulled, and whoever pulls them runs them to their end. */
export interface StartedTurn {
  /** They never throw, and return what made the turn fail. */
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>;
  bounds: Bounds;
  /** To be called when the events have come to their end. */
  ended(): void;
}

/** Who asks for a turn. */
export interface Asking {
  /** Aborts when the client leaves. */
  client: AbortSignal;
  ingress: Ingress;
  key?: IdempotencyKey | undefined;
}

/**
 * Begins a turn once its caller has a place for it, in the database, too, if it is to be kept. Throws an ApiError for what the
 * backend cannot carry, when another turn was first, in its conversation or with its key, and where there is no place.
 */
export async function startTurn(
  services: Services,
  prepared: PreparedTurn,
  { client, ingress, key }: Asking,
): Promise<StartedTurn> {
  const { limits, scope } = services;
  const { request, turn, prepare } = prepared;
  const entered = services.turns.enter(services.caller.id, client);
  const leavePlace = entered instanceof Promise ? await entered : entered;
  const stored = turn.response.store ? recordTurn(scope, { ...newTurn(prepared), key }) : undefined;
  const bounds = startBounds(client, limits);
  const whole = Promise.withResolvers<void>();
  const leave = services.running.enter(bounds.fail);
  const ended = () => {
    leavePlace();
    leave();
    bounds.end();
    whole.resolve();
  };
  try {
    const means = {
      prepare,
      rounds: limits.rounds,
      waiting: bounds.waiting,
      record: stored ?? unrecorded,
      seal: services.seal,
    };
    const events = asAsked(runTurn(turn, means, bounds.signal), request);
    await stored?.begin();
    // What a client that leaves has begun is still to be written down.
    ingress.waitUntil?.(whole.promise);
    return { events, bounds, ended };
  } catch (error) {
    ended();
    throw error;
  }
}

/** A turn as it is kept: one whose past is in no database has all of it for its own input, as if it had been sent. */
function newTurn({ turn: { response, input }, past, recalled }: PreparedTurn): NewTurn {
  if (!recalled) return { response, input, past };
  return { response, input: [...past.items, ...input], past: { ...past, items: [], previous: null } };
}
