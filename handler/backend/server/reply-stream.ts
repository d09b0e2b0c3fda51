import { ApiError } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { joinDeltas } from '../../events/join-deltas.ts';
import { eventData } from '../../events/sse.ts';
import { fixedLimits } from '../../limits.ts';
import { describe, log } from '../../log.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Upstream } from '../../transport.ts';
import type { BackendEvent, CallOptions, Finish } from '../backend.ts';
import { connectionFailed, failureInStream, garbled } from './failure.ts';
import { rateLimitsIn } from './rate-limits.ts';

/**
 * The longest stream, in characters. Buffered data counts as well, and Responses API events repeat a text up to four
 * times.
 */
const MAX_STREAM = 512 * 1024 * 1024;

/** How long an answer that has ended waits for more, in milliseconds: usage may come late, and some servers leave the connection open. */
const GRACE_MS = 2_000;

/** The reader of one streamed reply in one protocol: events in, items out. */
export interface Reply {
  /** Takes in one event; throws an ApiError for one that says that the call has failed. */
  add(event: JsonObject): void;
  /** Takes in `[DONE]`, in protocols where it ends a reply. */
  done?(): void;
  /** Whether a finish reason came. A stream that ends before it broke off. */
  readonly finished: boolean;
  /** Whether the answer has ended for certain: what follows cannot spoil it, and is not waited for long. */
  readonly settled: boolean;
  /** Whether nothing more is to come. */
  readonly over: boolean;
  /** Closes the open item, and returns the Finish. Throws an ApiError if the answer is none. */
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
  open: () => Promise<Pick<Upstream, 'body' | 'header'>>,
  reply: Reply,
  { joinsDeltas = false, answered, maxLength = MAX_STREAM }: ReadOptions = {},
): AsyncGenerator<BackendEvent, void> {
  const take = () => (joinsDeltas ? joinDeltas(reply.take()) : reply.take());
  let size = 0;
  try {
    const upstream = await open();
    answered?.(rateLimitsIn(upstream));
    const { body } = upstream;
    const chunks = body[Symbol.asyncIterator]();
    const batches = eventData({ [Symbol.asyncIterator]: () => chunks });
    let isOpen = true;
    try {
      reading: for (;;) {
        const next = batches.next();
        const step = reply.settled ? await within(GRACE_MS, next) : await next;
        isOpen = step?.done === false;
        if (!step) void chunks.return?.(); // batches wait for what does not come
        if (!step || step.done) break;
        for (const data of step.value) {
          size += data.length;
          if (size > maxLength) throw garbled('a stream without end');
          if (!addData(data, reply)) break reading;
          if (reply.over) break reading;
        }
        const events = take();
        for (const event of events) yield event;
        if (events.length === 0) yield { type: 'keep_alive' };
      }
    } catch (error) {
      if (!reply.settled) throw error;
      log.debug('a model backend failed after its answer', () => ({ error: describe(error) }));
    } finally {
      if (isOpen) await batches.return(undefined);
    }
    const finish = reply.finished ? reply.finish() : undefined;
    for (const event of take()) yield event;
    if (finish) yield finish;
  } catch (error) {
    for (const event of take()) yield event; // what came in one chunk with the failure
    throw error instanceof ApiError ? error : connectionFailed(error);
  }
}

const BRACE = 0x7b;

/** What keeps a connection alive. */
const HEARTBEAT = /^(|null|true|\d{1,20}|""|[^\w"[{]{1,8}|ping|pong|heartbeat|keep-?alive|: ?.{0,80})$/i;

/** Takes in the data of an event; false for `[DONE]`. */
function addData(data: string, reply: Reply): boolean {
  // An object, as nearly all are.
  if (data.charCodeAt(0) !== BRACE) return addOther(data.trim(), reply);
  let event: JsonObject;
  try {
    event = parse(data);
  } catch (error) {
    // Some servers end events with one line break, so that several are one.
    const lines = data.split('\n');
    if (lines.length === 1) throw error;
    return lines.every((line) => addData(line, reply));
  }
  reply.add(event);
  return true;
}

/** Takes in data that does not begin as an object; false for `[DONE]`. */
function addOther(data: string, reply: Reply): boolean {
  if (/^"?\[DONE\]"?$/i.test(data)) {
    reply.done?.();
    return false;
  }
  if (HEARTBEAT.test(data)) return true;
  if (/^error\b/i.test(data)) throw failureInStream(data);
  for (const event of data.startsWith('[') ? parseList(data) : [parse(data)]) reply.add(event);
  return true;
}

/** The result of a promise, if it comes within so many milliseconds; one that comes later is not missed. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    promise.catch(() => {});
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function parse(data: string): JsonObject {
  const event = parseAny(data);
  if (isObject(event)) return event;
  throw garbled('an event that is no object');
}

/** The objects of a list, which some servers send an error in. */
function parseList(data: string): JsonObject[] {
  const list = parseAny(data);
  if (Array.isArray(list) && list.every(isObject)) return list;
  throw garbled('an event that is a list of something else than objects');
}

function parseAny(data: string): unknown {
  try {
    return parseJson(data, fixedLimits.replyMembers);
  } catch (error) {
    // Python writes numbers that JSON does not have.
    const finite = data.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b/g, (part) =>
      part.startsWith('"') ? part : 'null',
    );
    if (finite === data) throw garbled(error);
    try {
      return parseJson(finite, fixedLimits.replyMembers);
    } catch {
      throw garbled(error);
    }
  }
}
