import type { ErrorEvent, LifecycleEvent, ResponseEvent } from '../protocol/events.ts';
import type { Response } from '../protocol/response.ts';
import { isLifecycle, type LoggedEvent, readLog } from '../state/log.ts';
import { getHidden } from '../state/responses.ts';
import type { Scope } from '../state/scope.ts';
import type { Wakes } from './wakes.ts';

/** How often the log is looked at for what another process has written, in milliseconds; our own wakes its readers. */
const LOOK = 200;

/**
 * The events of a background response after the number `after`: those of its log, then live as they are made, wherever that
 * is, and the terminal one. The same events with the same bytes for every reader. Ends early when the signal aborts.
 */
export async function* follow(
  scope: Scope,
  wakes: Wakes,
  response: Response,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, undefined> {
  const { id } = response;
  let block = 0;
  let last = after;
  for (;;) {
    const { owner } = scope;
    const news = wakes.next(id, owner.running.has(id) ? owner.every : LOOK, signal);
    const part = await readLog(scope, id, block, last);
    block = part.next;
    for (const event of part.events) {
      if (event.sequence_number <= last) continue;
      if (signal.aborted) return;
      last = event.sequence_number;
      yield whole(event, response);
    }
    if (part.more) continue;
    if (!part.row || part.row.last < 0) return yield gone(last + 1);
    const type = TERMINAL[part.row.status];
    if (type) {
      const sequence_number = part.row.last + 1;
      if (sequence_number > after) yield { type, sequence_number, response: await getHidden(scope, id) };
      return;
    }
    await news;
    if (signal.aborted) return;
  }
}

/** How a response ends by its status. There is no event for one that was cancelled; it has not come to anything. */
const TERMINAL: Readonly<Record<string, LifecycleEvent['type']>> = {
  completed: 'response.completed',
  incomplete: 'response.incomplete',
  failed: 'response.failed',
  cancelled: 'response.failed',
};

/** An event of the log as clients get it: the response in it is the one that was asked for, before anything was made. */
function whole(event: LoggedEvent, response: Response): ResponseEvent {
  if (!isLifecycle(event)) return event;
  const status = event.type === 'response.in_progress' ? 'in_progress' : 'queued';
  const nothing = { completed_at: null, error: null, incomplete_details: null, output: [], usage: null };
  return { ...event, response: { ...response, status, ...nothing } };
}

function gone(sequence_number: number): ErrorEvent {
  const error = {
    type: 'server_error',
    code: null,
    message: 'The events of this response are not kept any more.',
    param: null,
  };
  const { type: _, ...flat } = error;
  return { type: 'error', sequence_number, ...flat, error };
}
