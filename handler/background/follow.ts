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

/** Interval for polling the log while another process writes it, in milliseconds; our own writes notify readers. */
const POLL_MS = 200;

/**
 * Streams the events of a background response after the number `after`: those of its log, then live ones, whichever process
 * makes them, and the terminal one. Every reader gets the same bytes. Ends early when the signal aborts; yields and returns
 * an error when it aborted with an ApiError, when the events have expired, or when the database cannot be read for a lease.
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
    // Give a transient error the last event's number, so that resuming after it loses nothing.
    const number = failure.kind === 'not_found' ? reader.last + 1 : Math.max(reader.last, 0);
    yield errorEvent(failure, number);
    return failure;
  }
}

/** Streams the events after the number `reader.last`, and counts it up; throws an ApiError when they have expired. */
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

/** Adds the response to a lifecycle event, as it was when the turn was queued. */
function withResponse(event: LoggedEvent, response: Response): ResponseEvent {
  if (!isLifecycle(event)) return event;
  const status = event.type === 'response.in_progress' ? 'in_progress' : 'queued';
  const nothing = { completed_at: null, error: null, incomplete_details: null, output: [], usage: null };
  return { ...event, response: { ...response, status, ...nothing } };
}

function logExpired(): ApiError {
  return new ApiError(
    'not_found',
    'The events of this response are not kept any more (`logRetention` in the configuration); the response itself is.',
  );
}
