import type { Context } from 'hono';
import type { Env } from './env.ts';

/**
 * A query's members; all values of `include`, which clients write in several ways, as a list, and `metadata[NAME]` as an
 * object.
 */
export function readQuery(c: Context<Env>): Record<string, unknown> {
  const includes = Object.entries(c.req.queries()).filter(([name]) => /^include(\[\d*\])?$/.test(name));
  const query = c.req.query();
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const [, key] = /^metadata\[(.*)\]$/s.exec(name) ?? [];
    return key === undefined ? [] : [[key, value]];
  });
  return {
    ...query,
    include: includes.flatMap(([, values]) => values),
    ...(pairs.length > 0 && { metadata: Object.fromEntries(pairs) }),
  };
}
