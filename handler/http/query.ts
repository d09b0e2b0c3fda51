import type { Context } from 'hono';
import type { Env } from './env.ts';

/** A query's members, and all values of `include`, which clients write in several ways, as a list. */
export function readQuery(c: Context<Env>): Record<string, string | string[]> {
  const includes = Object.entries(c.req.queries()).filter(([name]) => /^include(\[\d*\])?$/.test(name));
  return { ...c.req.query(), include: includes.flatMap(([, values]) => values) };
}
