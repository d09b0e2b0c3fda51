import type { Config } from '../handler/index.ts';
import type { SessionOptions } from './session.ts';

/** What the shim allows beyond the handler's own limits, so that the handler's graceful end comes first. */
const SLACK = { ms: 10_000, bytes: 1024 * 1024 };

/** The limits of `serveGrpc` for a handler with these limits. */
export function sessionLimits(limits: Config['limits']): SessionOptions['limits'] {
  return {
    body: limits.body,
    // A stream that fails at its limit repeats in its last event what was made so far, and so may double.
    reply: 2 * limits.reply + SLACK.bytes,
    time: Math.max(limits.turn, limits.background) + SLACK.ms,
  };
}
