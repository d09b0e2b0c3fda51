import type { Context } from 'hono';
import { fixedLimits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import type { Env } from './env.ts';

/** Replies with JSON; a long reply takes memory until it has been read. */
export function sendJson(c: Context<Env>, value: unknown): Response {
  const text = JSON.stringify(value);
  if (text.length > fixedLimits.uncounted) openReply(c)?.add(text.length);
  return c.body(text, 200, { 'content-type': 'application/json' });
}

/** A reservation for a reply until it has been read; undefined if the runtime does not tell when. */
export function openReply(c: Context<Env>): Reservation | undefined {
  if (!c.env.ended) return undefined;
  const reply = c.get('memory').budget.open();
  c.env.ended(() => reply.close());
  return reply;
}
