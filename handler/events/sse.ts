import { createParser } from 'eventsource-parser';
import { fixedLimits } from '../limits.ts';
import type { Reservation } from '../memory-budget.ts';

const encoder = new TextEncoder();
/** What streams of the Responses API have beside their events. */
const RESPONSES = { sign: ': keep-alive\n\n', end: 'data: [DONE]\n\n' };

/** The longest event accepted from a model server, in characters. */
const MAX_EVENT = 16 * 1024 * 1024;

/** One event as it goes over the wire; JSON holds no line break, so one `data` line is enough. */
export function eventText<E extends { type: string }>(event: E): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Bytes that short events are written to, one behind another: an array for each costs four times as much as its bytes. */
const POOL_SIZE = 8 * 1024;
/** Bytes of a UTF-16 code unit in UTF-8 at most. */
const MAX_UNIT_BYTES = 3;

/**
 * Opens an encoder for the texts of one stream. A reader may transfer what it has read, and with it all that lies in the same
 * pool: so no two streams share one.
 */
function pooledEncoder(): (text: string) => Uint8Array {
  let pool = new ArrayBuffer(0);
  let used = 0;
  return (text) => {
    const most = text.length * MAX_UNIT_BYTES;
    if (most > POOL_SIZE / 4) return encoder.encode(text);
    // A pool that was transferred has no bytes.
    if (used + most > pool.byteLength) {
      pool = new ArrayBuffer(POOL_SIZE);
      used = 0;
    }
    const { written } = encoder.encodeInto(text, new Uint8Array(pool, used));
    const bytes = new Uint8Array(pool, used, written);
    used += written;
    return bytes;
  };
}

/** What a stream has of its own API. */
export interface EventFraming<E = never> {
  sign: string;
  end: string;
  text?(event: E): string;
}

/** Callbacks and settings of an event stream. */
export interface StreamOptions<E = never> {
  /** Aborts when the turn is ended from outside. */
  signal: AbortSignal;
  /** Called when the reader leaves, before the events are closed: only an abort ends a call that waits for the model. */
  abort(): void;
  /** Called with the size of each event in bytes. */
  countBytes(bytes: number): void;
  /** Called once, when the last byte is handed over or the reader has left, with what the events returned or threw. */
  ended(result: unknown): void;
  /** Takes the memory of long events until the reader asks for the next, and of the last. */
  memory?: Pick<Reservation, 'add' | 'giveBack'> | undefined;
  /** Milliseconds of silence after which a sign of life is sent. */
  keepAlive: number;
  /** That sign, what stands behind the last event, and an event as a text. Default: a comment, `[DONE]`, and `eventText`. */
  framing?: EventFraming<E> | undefined;
}

/**
 * Events as a pulled byte stream: an event is made when the reader asks, a chunk is one whole event, signs of life fill
 * long silences, and events that throw fail the stream. An aborted turn runs to its end whether
 * anyone reads or not, so that what was made is accounted for.
 */
export function eventStream<E extends { type: string }>(
  events: AsyncGenerator<E, unknown>,
  options: StreamOptions<E>,
): ReadableStream<Uint8Array> {
  const { sign, end: last, text: textOf = eventText }: EventFraming<E> = options.framing ?? RESPONSES;
  let waiting = false;
  let hasSent = false;
  let hasLeft = false;
  let hasFailed = false;
  let unread = 0;
  let result: unknown;
  let rest: Promise<string[]> | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  const encode = pooledEncoder();

  const next = async (): Promise<string | undefined> => {
    try {
      const step = await events.next();
      if (!step.done) return textOf(step.value);
      result ??= step.value;
    } catch (error) {
      hasFailed = true;
      result = error;
    }
    return undefined;
  };
  const runOut = async (): Promise<string[]> => {
    const texts: string[] = [];
    for (let text = await next(); text; text = await next()) texts.push(text);
    return texts;
  };
  // A waiting reader gets the next event first.
  const settle = () => {
    if (options.signal.aborted && !waiting) rest ??= runOut();
  };
  options.signal.addEventListener('abort', settle);
  settle();
  // The listener goes, since a composite signal with listeners keeps the whole request in memory.
  const end = () => {
    clearInterval(timer);
    options.signal.removeEventListener('abort', settle);
    options.ended(result);
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (unread > 0) options.memory?.giveBack(unread);
        unread = 0;
        timer ??= setInterval(() => {
          if (waiting && !hasSent) controller.enqueue(encode(sign));
          hasSent = false;
        }, options.keepAlive);
        waiting = true;
        const text = rest ? (await rest).shift() : await next();
        waiting = false;
        hasSent = true;
        settle();
        // After a cancel the controller throws on every call.
        if (hasLeft) return;
        if (text) {
          const chunk = encode(text);
          options.countBytes(chunk.byteLength);
          if (chunk.byteLength > fixedLimits.uncounted) {
            unread = chunk.byteLength;
            options.memory?.add(unread);
          }
          controller.enqueue(chunk);
          return;
        }
        if (hasFailed) controller.error(result);
        else {
          if (last !== '') controller.enqueue(encode(last));
          controller.close();
        }
        end();
      },
      async cancel() {
        hasLeft = true;
        clearInterval(timer);
        options.abort();
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
 * fields are passed over. An event of the name `error`, and a line `error: ...`, are given as the `error` of an object. A last
 * event without its blank line still counts, and a body that is JSON is one event. Throws for an event that is too long.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void> {
  const decoder = new TextDecoder();
  let batch: string[] = [];
  // Past its bound the parser drops its buffer, and throws at the next feed.
  const parser = createParser({
    maxBufferSize: MAX_EVENT,
    onEvent: ({ event, data }) => batch.push(event === undefined ? data : named(event, data)),
    onError: ({ type, field, value }) => {
      if (type === 'unknown-field' && field === 'error') batch.push(asError(value ?? ''));
    },
  });
  let feed = parser.feed;
  let json = '';
  let isBegun = false;
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    if (!isBegun && text.trim() !== '') {
      isBegun = true;
      if (/^\s*[[{]/.test(text)) feed = (piece) => (json += inBounds(json.length, piece));
    }
    feed(text);
    if (batch.length === 0) continue;
    yield batch;
    batch = [];
  }
  feed(`${decoder.decode()}\n\n`);
  if (json !== '') batch = [json];
  if (batch.length > 0) yield batch;
}

/** The name of an event that is also the `type` of its data, in the APIs that name them. */
const TYPE = /^(response|content_block|message)[\w.]*$/;

/** The data of an event with a name. A few servers leave out the `type` that is the same. */
function named(event: string, data: string): string {
  if (event === 'error') return asError(data);
  if (data.includes(`"${event}"`) || !TYPE.test(event) || !/^\s*\{/.test(data)) return data;
  return data.replace(/^\s*\{\s*/, (start) => `${start}"type":"${event}"${/^\s*\{\s*\}/.test(data) ? '' : ','}`);
}

/** Data as the `error` of an object, in JSON; data that is no JSON object is a text. */
function asError(data: string): string {
  return data.trim().startsWith('{')
    ? `{"error":${data}}`
    : JSON.stringify({ error: data || 'an error without a text' });
}

function inBounds(length: number, piece: string): string {
  if (length + piece.length > MAX_EVENT) throw new Error(`a body exceeds ${MAX_EVENT} characters`);
  return piece;
}
