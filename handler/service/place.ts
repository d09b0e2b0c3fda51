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
  { turns, running, limits }: Pick<Services, 'turns' | 'running' | 'limits'>,
  { caller, signal }: Pick<RequestContext, 'caller' | 'signal'>,
): Promise<TurnPlace> {
  const entered = turns.enter(caller.id, signal, caller.limits?.turns);
  const leavePlace = entered instanceof Promise ? await entered : entered;
  const bounds = startBounds(signal, limits);
  const leaveRunning = running.enter(bounds.fail);
  return {
    bounds,
    leave() {
      leavePlace();
      leaveRunning();
      bounds.end();
    },
  };
}
