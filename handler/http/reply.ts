import type { Context } from 'hono';
import { fixedLimits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import type { Env } from './env.ts';

/** Replies with a value as JSON; a long one counts as held until it has been read. */
export function sendJson(c: Context<Env>, value: unknown): Response {
  const text = JSON.stringify(value);
  if (text.length > fixedLimits.uncounted) openReply(c)?.add(text.length);
  return c.body(text, 200, { 'content-type': 'application/json' });
}

/** What a reply takes until it has been read; undefined where the runtime does not tell when that is. */
export function openReply(c: Context<Env>): Reservation | undefined {
  if (!c.env.ended) return undefined;
  const reply = c.get('memory').budget.open();
  c.env.ended(() => reply.close());
  return reply;
}
