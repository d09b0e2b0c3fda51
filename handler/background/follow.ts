import { ApiError, toApiError } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import type { Response } from '../protocol/response.ts';
import { isLifecycle, type LoggedEvent, readLog } from '../state/log.ts';
import { isOpen } from '../state/process-lease.ts';
import { getStoredResponse } from '../state/responses.ts';
import { retryRead } from '../state/retry.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { errorEvent } from '../turn/error-event.ts';
import { terminalType } from '../turn/turn.ts';
import type { LogNotifier } from './log-notifier.ts';

/** How often the log is looked at for what another process has written, in milliseconds; our own wakes its readers. */
const POLL_MS = 200;

/**
 * The events of a background response after the number `after`: those of its log, then live as they are made, wherever that
 * is, and the terminal one. The same events with the same bytes for every reader. Ends early when the signal aborts, and with
 * an `error` where that was with an ApiError, where the events are gone, or the database cannot be read for as long as a
 * lease: that is then returned as well.
 */
export async function* follow(
  store: TenantStore,
  notifier: LogNotifier,
  response: Response,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  const reader = { last: after };
  try {
    yield* read(store, notifier, response, reader, signal);
    return undefined;
  } catch (error) {
    if (signal.aborted && !(signal.reason instanceof ApiError)) return undefined;
    const failure = toApiError(signal.aborted ? signal.reason : error);
    // Who goes on reading after the number of an error that may pass is to miss no event.
    const number = failure.kind === 'not_found' ? reader.last + 1 : Math.max(reader.last, 0);
    yield errorEvent(failure, number);
    return failure;
  }
}

/** The events after the number `reader.last`, which counts up with them; throws an ApiError for those that are gone. */
async function* read(
  store: TenantStore,
  notifier: LogNotifier,
  response: Response,
  reader: { last: number },
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, void> {
  const { id } = response;
  const { lease } = store;
  const after = reader.last;
  let block = 0;
  for (;;) {
    const nextWrite = notifier.next(id, lease.running.has(id) ? lease.beatInterval : POLL_MS, signal);
    const part = await retryRead(() => readLog(store, id, block, reader.last), lease.duration, signal);
    block = part.next;
    for (const event of part.events) {
      if (event.sequence_number <= reader.last) continue;
      signal.throwIfAborted();
      reader.last = event.sequence_number;
      yield withResponse(event, response);
    }
    if (part.more) continue;
    if (!part.row || part.row.last < 0) throw logExpired();
    if (!isOpen(part.row.status)) {
      const sequence_number = part.row.last + 1;
      if (sequence_number <= after) return;
      const final = await retryRead(() => getStoredResponse(store, id), lease.duration, signal);
      return yield { type: terminalType(final.status), sequence_number, response: final };
    }
    await nextWrite;
    signal.throwIfAborted();
  }
}

/** An event of the log as clients get it: the response in it is the one that was asked for, before anything was made. */
function withResponse(event: LoggedEvent, response: Response): ResponseEvent {
  if (!isLifecycle(event)) return event;
  const status = event.type === 'response.in_progress' ? 'in_progress' : 'queued';
  const nothing = { completed_at: null, error: null, incomplete_details: null, output: [], usage: null };
  return { ...event, response: { ...response, status, ...nothing } };
}

function logExpired(): ApiError {
  return new ApiError('not_found', 'The events of this response are not kept any more.');
}
