import '../promises/all.ts';
import { type PromiseId, runPromises, type Share } from '../promises/promise.ts';
import { openInProcess } from './doors/in-process.ts';

/** What waits for a limit of seconds, is large, or asks hundreds of times: it takes longer than all other promises together. */
const SLOW: readonly PromiseId[] = [
  ...[
    'limit.turn',
    'limit.idle-at-once',
    'limit.idle-midway',
    'limit.idle-writing',
    'limit.idle-spoken',
    'limit.output-items',
    'tool-calls.hangs',
    'forwarded.silent',
    'forwarded-chat.silent',
  ],
  ...['body.excess-packed', 'body.bomb', 'body.largest', 'body.nothing-comes', 'body.long-text', 'body.ratio'],
  ...['stored.too-large', 'stored.large', 'stored.large-body', 'stored.large-pages', 'stored.failed'],
  ...['websocket.too-large', 'body.too-large', 'replay.whatever', 'retry.never', 'websocket.excess'],
  ...['surface.limits', 'surface.values', 'surface.error-codes', 'state.signature-names', 'state.signature-anywhere'],
  ...['input-items.pages', 'conversation-items.pages', 'lists.pages'],
  ...['conversation-lock.unread', 'conversation-items.large', 'background.limits', 'replay.long', 'chain.deep'],
  ...['input-tokens.fallback', 'input-tokens.locked', 'input-tokens.estimate', 'input-tokens.parameters'],
];

/** Runs promises in this process: a share of those that are fast, or those that are slow. */
export function runInProcess(share?: Pick<Share, 'part' | 'of'>): void {
  const takes = (id: PromiseId) => SLOW.includes(id) === (share === undefined);
  runPromises((hosted) => openInProcess({ hosted }), 'in-process', undefined, { ...share, takes });
}
