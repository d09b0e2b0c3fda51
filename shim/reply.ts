import { coalesce } from './coalesce.ts';
import { replyHead, replyPiece, wholeReply } from './codec.ts';
import type { ProcessingResponse } from './messages.ts';
import { unlessAborted } from './race.ts';
import { Refusal } from './refusal.ts';

/** Where a reply goes. */
export interface Outlet {
  send(message: ProcessingResponse): Promise<void>;
  /** Sends a message of the reply, with what the handler reports. */
  reply(message: ProcessingResponse): Promise<void>;
  /** Aborts when the reply is no longer wanted; its reason is thrown. */
  signal: AbortSignal;
  /** Maximum bytes of body. */
  limit: number;
}

/** Status and headers of a Response. Read-only: some Responses have immutable headers. */
export interface ReplyHead {
  status: number;
  headers: Headers;
}

/** Thrown when a streamed reply breaks off: the gRPC call must end with an error status. */
export class TruncatedReply extends Error {
  override readonly name = 'TruncatedReply';
}

/** Sends a reply in one message; throws, with nothing sent, when its body exceeds the limit or breaks off. */
export async function sendWhole({ status, headers }: ReplyHead, body: Body, outlet: Outlet): Promise<void> {
  const chunks: Uint8Array[] = [];
  await eachChunk(body, outlet, (chunk) => void chunks.push(chunk));
  const [only] = chunks;
  // The last message: there is nothing to wait for.
  void outlet.reply(wholeReply(status, headers, chunks.length === 1 && only ? only : Buffer.concat(chunks)));
}

/** Streams a reply; anything that fails after its head throws a TruncatedReply. */
export async function sendLive({ status, headers }: ReplyHead, body: Body, outlet: Outlet): Promise<void> {
  void outlet.reply(replyHead(status, headers));
  const out = coalesce((bytes, last) => outlet.reply(replyPiece(bytes, last)));
  try {
    await eachChunk(body, outlet, out.add);
    out.finish();
  } catch (error) {
    out.flush();
    throw new TruncatedReply('A streamed reply was cut.', { cause: error });
  }
}

/** A Response's body; null is an empty one. */
type Body = ReadableStream<Uint8Array> | null;

/**
 * Reads a body chunk by chunk, awaiting the result of `take`, and always closes it; throws a Refusal over the limit, and the
 * reason of the signal when aborted.
 */
async function eachChunk(
  body: Body,
  { signal, limit }: Outlet,
  take: (chunk: Uint8Array) => Promise<void> | undefined | void,
): Promise<void> {
  const reader = body?.getReader();
  if (!reader) return;
  // Cancel ends a pending read, even if the handler ignores its signal.
  const cancel = () => void reader.cancel(signal.reason).catch(ignore);
  signal.addEventListener('abort', cancel);
  try {
    let size = 0;
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      if (!(value instanceof Uint8Array)) throw new TypeError('a body must be made of Uint8Array chunks');
      size += value.length;
      if (size > limit)
        throw new Refusal(500, 500, `The reply is larger than ${limit} bytes (\`limits.reply\` in the configuration).`);
      const full = take(value);
      if (full) await unlessAborted(full, signal);
    }
  } catch (error) {
    cancel();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function ignore(): void {}
