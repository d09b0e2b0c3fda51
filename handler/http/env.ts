import type { Context } from 'hono';
import type { Caller } from '../caller.ts';
import { styleOf } from '../error-style.ts';
import type { Ingress } from '../ingress.ts';
import type { Reservation } from '../memory-budget.ts';
import { openStore, type RequestContext } from '../service/context.ts';
import type { RequestLog } from '../service/request-log.ts';
import type { Services } from '../service/services.ts';

/** Hono's types for our context. */
export interface Env {
  Bindings: Ingress;
  /** `caller` is there unless the path is open to anybody. `memory` is the request's reservation; it is closed when the log line is written. */
  Variables: { log: RequestLog; memory: Reservation; caller: Caller };
}

/** The context of a request that was identified. */
export function contextOf(c: Context<Env>, services: Services): RequestContext {
  const { raw } = c.req;
  const caller = c.get('caller');
  const log = c.get('log');
  return {
    store: openStore(services, caller, c.get('memory'), log),
    log,
    ingress: c.env,
    caller,
    header: (name) => raw.headers.get(name),
    errors: styleOf(services.errors, raw.headers),
    // A getter, since Node makes the signal on first use.
    get signal() {
      return raw.signal;
    },
  };
}
