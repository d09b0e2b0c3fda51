import type { Context } from 'hono';
import { type EventFraming, eventStream } from '../events/sse.ts';
import type { EventFeed } from '../service/feed.ts';
import type { Env } from './env.ts';
import { openReply } from './reply.ts';

/** Headers of a stream, so that proxies neither cache nor buffer it. */
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Replies with events; the request's line is written when they have ended. */
export function sendEvents<E extends { type: string }>(
  c: Context<Env>,
  feed: EventFeed<E>,
  keepAlive: number,
  framing?: EventFraming<E>,
): Response {
  const { events, signal, abort } = feed;
  const log = c.get('log');
  const countBytes = (bytes: number) => {
    log.bytes += bytes;
    feed.countBytes(bytes);
  };
  const ended = (failure: unknown) => {
    feed.ended();
    log.failure = failure;
    log.end();
  };
  return c.body(
    eventStream(events, { signal, abort, countBytes, ended, keepAlive, framing, memory: openReply(c) }),
    200,
    {
      ...HEADERS,
      ...feed.rateLimits?.(),
    },
  );
}
