import type { FetchLike } from '../../egress/egress.ts';
import { fixedLimits } from '../../limits.ts';
import { BadReply } from './failure.ts';

const [QUOTE, COMMA, BACKSLASH, NEW_LINE] = [0x22, 0x2c, 0x5c, 0x0a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Lines of a stream of events that are read at a time: their events take some milliseconds. */
const LINES_AT_ONCE = 500;

/** Streams of events that broke off since they are too much: whoever waits for a reply in one hears of it here, as its client says nothing of it. */
export class BrokenReplies {
  readonly #waiting = new Set<(error: BadReply) => void>();

  /** What is waited for; rejects with a BadReply if a stream breaks off before. */
  async orFails<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#waiting.add(reject);
    return Promise.race([work, promise]).finally(() => this.#waiting.delete(reject));
  }

  /** Tells all who wait. */
  tell(error: BadReply): void {
    for (const reject of this.#waiting) reject(error);
  }
}

/**
 * The same way to a server, whose replies have no more members and levels than are parsed and checked quickly: eight megabytes of numbers
 * take a minute. Reading one that has more fails with a BadReply.
 */
export function withBoundedReplies(send: FetchLike, broken: BrokenReplies): FetchLike {
  return async (to, init) => {
    const reply = await send(to, init);
    if (!reply.body) return reply;
    const isStream = reply.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    const count = counter(isStream);
    let lines = 0;
    const body = reply.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(bytes, controller) {
          try {
            lines += count(bytes);
          } catch (error) {
            if (isStream && error instanceof BadReply) broken.tell(error);
            throw error;
          }
          controller.enqueue(bytes);
          if (lines < LINES_AT_ONCE) return;
          lines = 0;
          await new Promise((resolve) => setTimeout(resolve)); // others have their turns
        },
      }),
    );
    const { status, statusText, headers, url } = reply;
    return Object.defineProperty(new Response(body, { status, statusText, headers }), 'url', { value: url });
  };
}

/**
 * Counts members of JSON in bytes as they come, each list and object as one more; throws a BadReply above the bounds. No string has a line
 * break, so in a stream of events, where each line counts as well, it begins anew with each line. Gives the lines of the stream in the bytes.
 */
function counter(isStream: boolean): (bytes: Uint8Array) => number {
  let [members, depth] = [0, 0];
  let [isString, isEscaped] = [false, false];
  return (bytes) => {
    let lines = 0;
    for (const byte of bytes) {
      if (byte === NEW_LINE) {
        [isString, isEscaped] = [false, false];
        if (isStream) lines++;
      } else if (isString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isString = false;
      } else if (byte === QUOTE) isString = true;
      else if (byte === COMMA) members++;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        members++;
        if (++depth > fixedLimits.jsonDepth) throw tooMuch(`is nested deeper than ${fixedLimits.jsonDepth} levels`);
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth = Math.max(0, depth - 1);
    }
    members += lines;
    if (members > fixedLimits.mcpMembers) throw tooMuch(`has more than ${fixedLimits.mcpMembers} members`);
    return lines;
  };
}

function tooMuch(why: string): BadReply {
  return new BadReply(`Its reply ${why}.`);
}
