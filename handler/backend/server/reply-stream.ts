import { ApiError } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { eventData } from '../../events/sse.ts';
import { fixedLimits } from '../../limits.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { BackendEvent, Finish } from '../backend.ts';
import { connectionFailed, garbled } from './failure.ts';

/**
 * The longest stream, in characters. Buffered data counts as well, and Responses API events repeat a text up to four
 * times.
 */
const MAX_STREAM = 512 * 1024 * 1024;

/** The reader of one streamed reply in one protocol: events in, items out. */
export interface Reply {
  /** Takes in one event; throws an ApiError for one that says that the call has failed. */
  add(event: JsonObject): void;
  /** Takes in `[DONE]`, in protocols where it ends a reply. */
  done?(): void;
  /** Whether the finish reason came. A stream that ends before it broke off. */
  readonly finished: boolean;
  /** Whether nothing more is to come. */
  readonly over: boolean;
  /** Closes the open item, and returns the Finish. */
  finish(): Finish;
  /** The events since the last take. */
  take(): ItemEvent[];
}

/**
 * Reads a body's events as a PreparedCall yields them. Throws an ApiError for a stream that fails, or is longer than
 * `maxLength` characters.
 */
export async function* readReply(
  body: AsyncIterable<Uint8Array>,
  reply: Reply,
  maxLength = MAX_STREAM,
): AsyncGenerator<BackendEvent, void> {
  try {
    yield* eventsBefore(body, reply, maxLength);
    const finish = reply.finished ? reply.finish() : undefined;
    yield* reply.take();
    if (finish) yield finish;
  } catch (error) {
    yield* reply.take(); // what came in one chunk with the failure
    throw error instanceof ApiError ? error : connectionFailed(error);
  }
}

/** Feeds all events to the reply, and yields the item events up to the last chunk. */
async function* eventsBefore(
  body: AsyncIterable<Uint8Array>,
  reply: Reply,
  maxLength: number,
): AsyncGenerator<BackendEvent, void> {
  let size = 0;
  for await (const batch of eventData(body)) {
    for (const data of batch) {
      if (data === '[DONE]') return reply.done?.();
      size += data.length;
      if (size > maxLength) throw garbled('a stream without end');
      reply.add(parse(data));
      if (reply.over) return;
    }
    const events = reply.take();
    if (events.length > 0) yield* events;
    else yield { type: 'keep_alive' };
  }
}

function parse(data: string): JsonObject {
  try {
    const event: unknown = parseJson(data, fixedLimits.replyMembers);
    if (isObject(event)) return event;
  } catch (error) {
    throw garbled(error);
  }
  throw garbled('an event that is no object');
}
