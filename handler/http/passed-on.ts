import type { Context } from 'hono';
import { ApiError } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import type { ForwardedReply } from '../neighbours/forwarded/forward.ts';
import type { Env } from './env.ts';
import { openReply, setHeaders } from './reply.ts';

const encoder = new TextEncoder();
const COMMENT = encoder.encode(': keep-alive\n\n');

/** Sends a reply on: whole, or in parts as they come; the request's line is written when it is over. */
export function sendOn(c: Context<Env>, reply: ForwardedReply, keepAlive: number): Response {
  const { media, whole, headers, over } = reply;
  const log = c.get('log');
  setHeaders(c, headers);
  if (whole) {
    log.bytes = whole.length;
    if (whole.length > fixedLimits.uncounted) openReply(c)?.add(whole.length);
    return c.body(bodyOf(whole), 200, { 'content-type': media });
  }
  const endLine = (failure: unknown) => {
    log.failure = failure;
    log.end();
  };
  over.then(endLine, endLine);
  return c.body(streamOf(c, reply, keepAlive), 200, {
    'content-type': media,
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
}

/** A pulled stream; comments fill silences between events, and what fails is an error in the form of OpenAI's streams. */
function streamOf(c: Context<Env>, { parts, isEvents, abort, over }: ForwardedReply, keepAlive: number) {
  const log = c.get('log');
  const memory = openReply(c);
  let unread = 0;
  let waiting = false;
  let hasSent = false;
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (unread > 0) memory?.giveBack(unread);
        unread = 0;
        if (isEvents)
          timer ??= setInterval(() => {
            if (waiting && !hasSent) controller.enqueue(COMMENT.slice());
            hasSent = false;
          }, keepAlive);
        waiting = true;
        let step: IteratorResult<Uint8Array, unknown>;
        try {
          step = await parts.next();
        } catch (error) {
          clearInterval(timer);
          if (error instanceof ApiError && error.kind === 'cancelled') return; // nobody reads it
          if (!isEvents) return controller.error(error);
          controller.enqueue(encoder.encode(errorEvent(error)));
          return controller.close();
        } finally {
          waiting = false;
          hasSent = true;
        }
        if (step.done) {
          clearInterval(timer);
          return controller.close();
        }
        const { byteLength } = step.value;
        log.bytes += byteLength;
        if (byteLength > fixedLimits.uncounted) {
          unread = byteLength;
          memory?.add(unread);
        }
        controller.enqueue(step.value);
      },
      async cancel() {
        clearInterval(timer);
        abort();
        await parts.return();
        await over;
      },
    },
    { highWaterMark: 0 },
  );
}

/** An error as OpenAI's streams have it, with a code that is a word. */
function errorEvent(thrown: unknown): string {
  const error = thrown instanceof ApiError ? thrown : new ApiError('server', 'The server had an error.');
  const { message, type, param } = error.reply('openai').body.error;
  return `data: ${JSON.stringify({ error: { message, type, param, code: error.streamCode } })}\n\n`;
}

/** Bytes as a body: whatever their buffer is, they are one. */
function bodyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>; // no buffer here is shared
}
