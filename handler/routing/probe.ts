import { toApiError } from '../errors.ts';
import { nameOf } from './attempt.ts';
import { reasonOf } from './failure.ts';
import type { ServerGroup } from './server-group.ts';

/** The longest that a probe waits for its answer, in milliseconds. */
const PROBE_TIMEOUT = 5_000;

/** Asks each server of a group that is to be probed, and whose time it is, for its models: who does not answer has failed, as with a call. */
export async function probe({ servers, policy }: ServerGroup): Promise<void> {
  const { probe: every, breaker } = policy;
  if (every === undefined) return;
  await Promise.all(
    servers.map(async (server) => {
      const { health } = server;
      if (!health.isDue(every)) return;
      try {
        await server.list(AbortSignal.timeout(Math.min(every, PROBE_TIMEOUT)));
        health.probed();
      } catch (error) {
        const failure = toApiError(error);
        // A server that refuses its list is there: not all have one.
        if (/^4\d\d$/.test(reasonOf(failure))) health.probed();
        else health.failed(nameOf(server), breaker, failure);
      }
    }),
  );
}
