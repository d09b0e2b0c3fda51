import { createParser } from 'eventsource-parser';
import { fixedLimits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';
import type { ResponseEvent } from './events.ts';

const encoder = new TextEncoder();
const DONE = encoder.encode('data: [DONE]\n\n');
const COMMENT = encoder.encode(': keep-alive\n\n');

/** The longest event taken from a model backend, in characters; what is longer is no event but a fault. */
const MAX_EVENT = 16 * 1024 * 1024;

/** One event as it goes over the wire; JSON holds no line break, so one `data` line is enough. */
export function encodeEvent(event: ResponseEvent): Uint8Array {
  return encoder.encode(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

/** What an event stream needs from its turn. */
export interface StreamMeans {
  /** Aborts when the turn is over, whoever ended it. */
  signal: AbortSignal;
  /** Called when the reader leaves, before the events are closed: a call that waits for the model ends only so. */
  abort(): void;
  /** Called with the size of each event in bytes. */
  countBytes(bytes: number): void;
  /** Called once, when the last byte is handed over or the reader has left, with what the events returned or threw. */
  ended(result: unknown): void;
  /** Takes the memory of long events until the reader asks for the next, and of the last. */
  memory?: Pick<Reservation, 'add' | 'giveBack'> | undefined;
  /** Milliseconds of silence after which a comment is sent. */
  keepAlive: number;
}

/**
 * Events as a pulled byte stream: nothing is made until the reader asks, a chunk holds exactly one whole event, a
 * comment fills long silences, and `[DONE]` ends it; events that throw end it as a stream that failed. A turn that is
 * aborted is run to its end whether anyone reads or not: what was made so far still has to be accounted for.
 */
export function eventStream(
  events: AsyncGenerator<ResponseEvent, unknown>,
  means: StreamMeans,
): ReadableStream<Uint8Array> {
  let waiting = false;
  let hasSent = false;
  let hasLeft = false;
  let hasFailed = false;
  let unread = 0;
  let result: unknown;
  let rest: Promise<Uint8Array[]> | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;

  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      const step = await events.next();
      if (!step.done) return encodeEvent(step.value);
      result ??= step.value;
    } catch (error) {
      hasFailed = true;
      result = error;
    }
    return undefined;
  };
  const runOut = async (): Promise<Uint8Array[]> => {
    const chunks: Uint8Array[] = [];
    for (let chunk = await next(); chunk; chunk = await next()) chunks.push(chunk);
    return chunks;
  };
  // A reader who is waiting gets the next event first.
  const settle = () => {
    if (means.signal.aborted && !waiting) rest ??= runOut();
  };
  means.signal.addEventListener('abort', settle);
  settle();
  // A signal made of others is kept for as long as anyone listens to it, and the whole request with it.
  const end = () => {
    clearInterval(timer);
    means.signal.removeEventListener('abort', settle);
    means.ended(result);
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (unread > 0) means.memory?.giveBack(unread);
        unread = 0;
        timer ??= setInterval(() => {
          if (waiting && !hasSent) controller.enqueue(COMMENT);
          hasSent = false;
        }, means.keepAlive);
        waiting = true;
        const chunk = rest ? (await rest).shift() : await next();
        waiting = false;
        hasSent = true;
        settle();
        // The stream is closed to what comes after the reader has left, and would throw.
        if (hasLeft) return;
        if (chunk) {
          means.countBytes(chunk.byteLength);
          if (chunk.byteLength > fixedLimits.uncounted) {
            unread = chunk.byteLength;
            means.memory?.add(unread);
          }
          controller.enqueue(chunk);
          return;
        }
        if (hasFailed) controller.error(result);
        else {
          controller.enqueue(DONE);
          controller.close();
        }
        end();
      },
      async cancel() {
        hasLeft = true;
        clearInterval(timer);
        means.abort();
        rest ??= runOut();
        await rest;
        end();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * The `data` of each server-sent event in a byte stream, one array for each chunk that completes any; comments and other
 * fields are passed over. A last event without its blank line still counts. Throws for an event that is too long.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void> {
  const decoder = new TextDecoder();
  let batch: string[] = [];
  // Past its bound the parser lets go of what it holds, and throws when it is fed again.
  const parser = createParser({ maxBufferSize: MAX_EVENT, onEvent: ({ data }) => batch.push(data) });
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (batch.length === 0) continue;
    yield batch;
    batch = [];
  }
  parser.feed(`${decoder.decode()}\n\n`);
  if (batch.length > 0) yield batch;
}
