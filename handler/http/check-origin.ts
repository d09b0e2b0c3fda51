import type { Context } from 'hono';
import { ApiError, wordOf } from '../errors.ts';
import type { Env } from './env.ts';

/**
 * Throws a 403 for a page of another origin than our own host's, unless `cors.origins` names it. A page of our own host is
 * no stranger, and some programs send an Origin as if they were one.
 */
export function checkOrigin(c: Context<Env>, origins: readonly string[]): void {
  const origin = c.req.header('origin');
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return;
  if (origin.replace(/^\w+:\/\//, '') === (c.req.header('host') ?? new URL(c.req.url).host)) return;
  const message = `Pages of ${wordOf(origin) ?? 'this origin'} are not allowed here: only our own are, and those of`;
  throw new ApiError('origin', `${message} \`cors.origins\` in the configuration.`);
}
