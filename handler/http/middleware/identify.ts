import type { Context, MiddlewareHandler } from 'hono';
import type { Services } from '../../service/services.ts';
import type { Env } from '../env.ts';

/**
 * Finds out who sends a request, before anything else is done for it; a refusal says nothing of what is here. `isOpen` names the
 * paths that anybody may read.
 */
export function identify(services: Services, isOpen: (path: string) => boolean): MiddlewareHandler<Env> {
  const { basePath } = services;
  return async (c, next) => {
    if (!isOpen(c.req.path.slice(basePath.length))) await identifyCaller(c, services);
    return next();
  };
}

async function identifyCaller(c: Context<Env>, { identify }: Services): Promise<void> {
  const identified = identify(c.req.raw, c.env);
  const caller = identified instanceof Promise ? await identified : identified;
  c.set('caller', caller);
  c.get('log').caller = caller;
}
