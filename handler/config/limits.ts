import * as v from 'valibot';
import { defaultLimits } from '../limits.ts';
import { count, memory, pause, size, storage, time } from './quantity.ts';

/** Limits as they are written; those that are left out are defaults. */
export const limits = v.pipe(
  v.strictObject({
    body: size,
    inflated: size,
    reply: size,
    history: size,
    items: count(1_000_000),
    tools: count(100_000),
    inFlight: memory,
    turns: count(1_000_000),
    perCaller: v.optional(
      v.strictObject({
        turns: count(1_000_000),
        backgroundTurns: count(1_000_000),
        connections: count(1_000_000),
        sockets: count(1_000_000),
      }),
    ),
    turn: time,
    unread: time,
    idle: time,
    head: pause,
    keepAlive: time,
    background: time,
    backgroundTurns: count(1_000),
    rounds: count(1_000),
    toolCalls: count(100),
    tool: time,
    toolResult: size,
    hook: time,
    connection: time,
    connectionIdle: time,
    drain: time,
    linger: pause,
    lease: time,
    stored: storage,
    listing: time,
    counting: time,
  }),
  v.forward(
    v.partialCheck(
      [['linger'], ['drain']],
      ({ linger = defaultLimits.linger, drain = defaultLimits.drain }) => linger <= drain,
      'must be at most limits.drain',
    ),
    ['linger'],
  ),
);
