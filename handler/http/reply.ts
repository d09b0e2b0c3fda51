import type { Context } from 'hono';
import { fixedLimits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import type { Env } from './env.ts';

const encoder = new TextEncoder();

/** Replies with JSON; a long reply takes memory until it has been read. */
export function sendJson(c: Context<Env>, value: unknown): Response {
  const bytes = encoder.encode(JSON.stringify(value));
  c.get('log').bytes = bytes.length;
  if (bytes.length > fixedLimits.uncounted) openReply(c)?.add(bytes.length);
  return c.body(bytes, 200, { 'content-type': 'application/json' });
}

/** Sets headers of a reply, whether it will be one or an error. */
export function setHeaders(c: Context<Env>, headers: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
}

/** A reservation for a reply until it has been read; undefined if the runtime does not tell when. */
export function openReply(c: Context<Env>): Reservation | undefined {
  if (!c.env.ended) return undefined;
  const reply = c.get('memory').budget.open();
  c.env.ended(() => reply.close());
  return reply;
}
