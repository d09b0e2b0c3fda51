import type { ApiError } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import { replay } from '../events/replay.ts';
import type { Response } from '../protocol/response.ts';
import type { Hooks } from './hooks.ts';

/**
 * The events of a turn for who reads them as a whole. Where `after` may make another response of it they are those of the response as it
 * ended, once it has: what was said before nobody has seen. They return what made the turn fail, as its own do.
 */
export function asEnded(
  { after }: Hooks,
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  return after ? replayed(events) : events;
}

async function* replayed(
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  let response: Response | undefined;
  for (;;) {
    const next = await events.next();
    if (!next.done) {
      if ('response' in next.value) response = next.value.response;
      continue;
    }
    if (!next.value && response) yield* replay(response);
    return next.value;
  }
}
