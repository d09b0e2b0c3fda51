import type { Context } from 'hono';
import { styleOf } from '../error-style.ts';
import type { Ingress } from '../ingress.ts';
import type { Reservation } from '../memory-budget.ts';
import { openStore, type RequestContext } from '../service/context.ts';
import type { RequestLog } from '../service/request-log.ts';
import type { Services } from '../service/services.ts';

/** Hono's types for our context. */
export interface Env {
  Bindings: Ingress;
  /** `memory` is the request's reservation; it is closed when the log line is written. */
  Variables: { log: RequestLog; memory: Reservation };
}

/** The context of a request. */
export async function contextOf(c: Context<Env>, { storage, identify, errors }: Services): Promise<RequestContext> {
  const { raw } = c.req;
  const caller = await identify(raw, c.env);
  return {
    store: openStore(storage, c.get('memory'), c.get('log')),
    log: c.get('log'),
    ingress: c.env,
    caller,
    errors: styleOf(errors, raw.headers),
    // A getter, since Node makes the signal on first use.
    get signal() {
      return raw.signal;
    },
  };
}
