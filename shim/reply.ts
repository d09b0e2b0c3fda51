import { coalesce } from './coalesce.ts';
import { replyHead, replyPiece, wholeReply } from './codec.ts';
import type { ProcessingResponse } from './messages.ts';
import { unlessAborted } from './race.ts';
import { Refusal } from './refusal.ts';

/** What a reply needs of its exchange. */
export interface Outlet {
  send(message: ProcessingResponse): Promise<void>;
  /** Aborted when the reply is wanted no more; its reason is thrown. */
  signal: AbortSignal;
  /** Most bytes of body. */
  limit: number;
}

/** A Response's head; its headers are ours to read only, since those of some Responses cannot be changed. */
export interface ReplyHead {
  status: number;
  headers: Headers;
}

/** Thrown when a streamed reply was begun and cannot be finished: the gRPC call must end with an error status. */
export class Cut extends Error {
  override readonly name = 'Cut';
}

/** Sends a reply in one message; a body over the limit or broken in the middle throws, with nothing sent. */
export async function sendWhole({ status, headers }: ReplyHead, body: Body, outlet: Outlet): Promise<void> {
  const chunks: Uint8Array[] = [];
  await eachChunk(body, outlet, (chunk) => void chunks.push(chunk));
  const [only] = chunks;
  // Nothing follows it that would have to wait for room.
  void outlet.send(wholeReply(status, headers, chunks.length === 1 && only ? only : Buffer.concat(chunks)));
}

/** Sends a reply as it comes; whatever goes wrong after its head throws a Cut. */
export async function sendLive({ status, headers }: ReplyHead, body: Body, outlet: Outlet): Promise<void> {
  void outlet.send(replyHead(status, headers));
  const out = coalesce((bytes, last) => outlet.send(replyPiece(bytes, last)));
  try {
    await eachChunk(body, outlet, out.add);
    out.finish();
  } catch (error) {
    out.flush();
    throw new Cut('A streamed reply was cut.', { cause: error });
  }
}

/** A Response's body; null is an empty one. */
type Body = ReadableStream<Uint8Array> | null;

/**
 * Hands over a body chunk by chunk, awaiting what `take` answers, and closes the body on every way out; throws a
 * Refusal past the limit and the signal's reason when aborted.
 */
async function eachChunk(
  body: Body,
  { signal, limit }: Outlet,
  take: (chunk: Uint8Array) => Promise<void> | undefined | void,
): Promise<void> {
  const reader = body?.getReader();
  if (!reader) return;
  // Cancelling ends a read that is under way, also when the handler never looks at its signal.
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
      if (size > limit) throw new Refusal(500, 500, `The reply is larger than the limit of ${limit} bytes.`);
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
