import type { ApiError } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import type { Response } from '../protocol/response.ts';

/** A stream of events for one client. Its reader runs them to their end, then calls `ended`. */
export interface EventFeed<E = ResponseEvent> {
  /** They never throw, and return what made them fail. */
  events: AsyncGenerator<E, ApiError | undefined>;
  /** Aborts when the events are ended from outside. */
  signal: AbortSignal;
  /** The client has left. */
  abort(): void;
  /** Counts bytes that were sent. */
  countBytes(bytes: number): void;
  /** What the model's server said of its rate limits so far, as headers. */
  rateLimits?(): Readonly<Record<string, string>>;
  /** Call it when the events have ended. */
  ended(): void;
}

/** Runs a turn's events to their end, and gives the response that they make; throws what made it fail. */
export async function lastResponse({ events, countBytes, ended }: EventFeed): Promise<Response | undefined> {
  let response: Response | undefined;
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) {
        if (next.value) throw next.value;
        return response;
      }
      if ('response' in next.value) response = next.value.response;
      else if ('delta' in next.value && typeof next.value.delta === 'string') countBytes(next.value.delta.length);
    }
  } finally {
    ended();
  }
}
