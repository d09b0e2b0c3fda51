import type { Config } from '../handler/index.ts';
import type { SessionOptions } from './session.ts';

/** Slack over the handler's own limits, so that its graceful end comes first. */
const SLACK = { ms: 10_000, bytes: 1024 * 1024 };

/** Limits of `serveGrpc` for a handler with these limits. */
export function sessionLimits(limits: Config['limits']): SessionOptions['limits'] {
  return {
    body: limits.body,
    // A stream that fails at its limit repeats its output in the last event, so its size may double.
    reply: 2 * limits.reply + SLACK.bytes,
    time: Math.max(limits.turn, limits.background) + SLACK.ms,
  };
}
