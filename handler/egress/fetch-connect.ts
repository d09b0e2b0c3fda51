import { ByteList, join } from '../byte-list.ts';
import { type EgressConnect, EgressError, type OutgoingBody } from './egress.ts';

/** Places for requests at a time. */
export interface ConnectionPlaces {
  /** Resolves with what gives the place back, once or more; rejects with the reason of the signal. */
  take(signal: AbortSignal): Promise<() => void>;
}

/** As many places, given in the order in which they are asked for. */
export function placesFor(count: number): ConnectionPlaces {
  let free = count;
  const waiting = new Set<() => void>();
  const place = () => {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      free++;
      const [next] = waiting;
      next?.();
    };
  };
  return {
    take(signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const begin = () => {
          leave();
          free--;
          resolve(place());
        };
        const abort = () => {
          leave();
          reject(signal.reason);
        };
        const leave = () => {
          waiting.delete(begin);
          signal.removeEventListener('abort', abort);
        };
        if (free > 0) return begin();
        waiting.add(begin);
        signal.addEventListener('abort', abort);
      });
    },
  };
}

/**
 * Makes requests by a runtime's own `fetch`, for the edge: what its platform lets it connect to is the platform's to say. Of a body as
 * much as may be read is taken as it comes, so that none holds a place of `places` because nobody reads it.
 */
export function fetchConnect(
  fetch: typeof globalThis.fetch,
  places: () => ConnectionPlaces | undefined = () => undefined,
): EgressConnect {
  return async ({ url, method, headers, body, maxBytes, signal }) => {
    const free = (await places()?.take(signal)) ?? (() => {});
    try {
      const response = await fetch(url, { method, headers, body: body ?? null, redirect: 'manual', signal });
      const kept = new Headers(response.headers);
      for (const name of ['content-encoding', 'content-length']) kept.delete(name); // the platform has decoded it
      if (!response.body) free();
      return {
        status: response.status,
        headers: kept,
        body: response.body ? takenAhead(response.body, maxBytes, free) : undefined,
      };
    } catch (error) {
      free();
      throw error;
    }
  };
}

/** A body that is taken as it comes, and no further than it may be read. */
function takenAhead(stream: ReadableStream<Uint8Array>, maxBytes: number, free: () => void): OutgoingBody {
  const reader = stream.getReader();
  let taken = new ByteList();
  let failure: EgressError | undefined;
  let [bytes, unread, isOver] = [0, 0, false];
  let wake = () => {};
  const take = async () => {
    while (!isOver && bytes <= maxBytes) {
      const { value } = await reader.read();
      if (!value) break;
      bytes += value.length;
      unread += value.length;
      taken.add(value);
      wake();
    }
  };
  const close = () => {
    isOver = true;
    free();
    wake();
    reader.cancel().catch(() => {}); // it has failed, and is closed
  };
  take()
    .catch((error) => {
      failure = new EgressError('broken', 'The reply broke off.', error);
    })
    .finally(close);
  return {
    async read() {
      while (unread === 0 && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (unread === 0) {
        if (failure) throw failure;
        return undefined;
      }
      const next = join(taken.end(), unread);
      [taken, unread] = [new ByteList(), 0];
      return next;
    },
    close,
  };
}
