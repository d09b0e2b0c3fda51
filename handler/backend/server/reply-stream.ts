import { ApiError } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { joinDeltas } from '../../events/join-deltas.ts';
import { eventData } from '../../events/sse.ts';
import { fixedLimits } from '../../limits.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Upstream } from '../../transport.ts';
import type { BackendEvent, CallOptions, Finish } from '../backend.ts';
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

/** Settings of reading a reply. */
export interface ReadOptions extends CallOptions {
  /** The longest stream, in characters. */
  maxLength?: number;
}

/**
 * Opens a reply at the first pull, and reads its events as a PreparedCall yields them. Throws an ApiError for a stream that
 * fails, or is longer than `maxLength`. One generator, since each one that an event passes costs as much as the event.
 */
export async function* readReply(
  open: () => Promise<Pick<Upstream, 'body'>>,
  reply: Reply,
  { joinsDeltas = false, answered, maxLength = MAX_STREAM }: ReadOptions = {},
): AsyncGenerator<BackendEvent, void> {
  const take = () => (joinsDeltas ? joinDeltas(reply.take()) : reply.take());
  let size = 0;
  try {
    const { body } = await open();
    answered?.();
    reading: for await (const batch of eventData(body)) {
      for (const data of batch) {
        if (data === '[DONE]') {
          reply.done?.();
          break reading;
        }
        size += data.length;
        if (size > maxLength) throw garbled('a stream without end');
        reply.add(parse(data));
        if (reply.over) break reading;
      }
      const events = take();
      for (const event of events) yield event;
      if (events.length === 0) yield { type: 'keep_alive' };
    }
    const finish = reply.finished ? reply.finish() : undefined;
    for (const event of take()) yield event;
    if (finish) yield finish;
  } catch (error) {
    for (const event of take()) yield event; // what came in one chunk with the failure
    throw error instanceof ApiError ? error : connectionFailed(error);
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
