import { ApiError } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { eventData } from '../../events/sse.ts';
import { fixedLimits } from '../../limits.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { BackendEvent, Finish } from '../backend.ts';
import { connectionFailed, garbled } from './failure.ts';

/**
 * The most that one stream may hold, in characters: what is held until it is whole counts as well, and the events of the
 * Responses API repeat a text up to four times, around each token.
 */
const MAX_STREAM = 512 * 1024 * 1024;

/** What makes items of the events of one streamed reply, in one protocol. */
export interface Reply {
  /** Takes in one event; throws an ApiError for one that says that the call has failed. */
  add(event: JsonObject): void;
  /** Takes in `[DONE]`, where that says that the reply is whole. */
  done?(): void;
  /** Whether the model has said why it stopped: a stream that ends before has broken off. */
  readonly finished: boolean;
  /** Whether nothing more is to come. */
  readonly over: boolean;
  /** Closes what is open and says how the call ended. */
  finish(): Finish;
  /** The events since the last take. */
  take(): ItemEvent[];
}

/**
 * What a body's events come to, as a PreparedCall yields it. Throws an ApiError for a stream that fails, or is longer than `maxLength`
 * characters.
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

/** Has the reply take in all events, and yields what they make before the last of them. */
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
