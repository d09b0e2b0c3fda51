import { type Caller, entryOf } from '../caller.ts';
import type { PlaceLimits, Places } from '../caller-count.ts';
import { type Bounds, startBounds } from '../turn/bounds.ts';
import type { RequestContext } from './context.ts';
import type { Services } from './services.ts';

/** A turn's place in the queue, and its bounds. */
export interface TurnPlace {
  bounds: Bounds;
  /** Gives the place back. Call it however the turn ends. */
  leave(): void;
}

/** Waits until the caller has a place for a turn; throws an ApiError where there is none to wait for, or the client has left. */
export async function takePlace(
  services: Pick<Services, 'turns' | 'running' | 'limits' | 'tenants' | 'places'>,
  { caller, signal }: Pick<RequestContext, 'caller' | 'signal'>,
): Promise<TurnPlace> {
  const { turns, running, limits, tenants, places } = services;
  const max = placesOf(tenants, caller, 'turns');
  const taken = places?.take(caller, 'turns', max);
  const giveBack = taken instanceof Promise ? await taken : taken;
  let leavePlace: () => void;
  try {
    const entered = turns.enter(caller, signal, max);
    leavePlace = entered instanceof Promise ? await entered : entered;
  } catch (error) {
    giveBack?.();
    throw error;
  }
  const bounds = startBounds(signal, limits);
  const leaveRunning = running.enter(bounds.fail);
  return {
    bounds,
    leave() {
      leavePlace();
      giveBack?.();
      leaveRunning();
      bounds.end();
    },
  };
}

/** How many of something a caller and its tenant may have at a time; what is absent is as `limits.perCaller` has it, or not limited. */
export function placesOf(tenants: Services['tenants'], { tenant, user, limits }: Caller, what: Places): PlaceLimits {
  const entry = entryOf(tenants, tenant);
  const own = limits?.[what];
  const ofUser = user === undefined ? undefined : entry?.perUser?.limits?.[what];
  return {
    caller: own === undefined || ofUser === undefined ? (own ?? ofUser) : Math.min(own, ofUser),
    tenant: entry?.limits?.[what],
  };
}
