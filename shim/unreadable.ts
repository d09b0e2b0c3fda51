import type { Duplex } from 'node:stream';
import { Refusal } from './refusal.ts';

/** How long a client that was refused may take to read why, in milliseconds. */
const READ_MS = 1_000;

const INVALID = new Refusal(400, 400, 'The request is not valid HTTP.');

/** What Node's parser gives up on, by its code; all else is 400. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: new Refusal(431, 431, 'The headers of the request are too large.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new Refusal(413, 'request_too_large', 'The chunk extensions are too large.'),
  ERR_HTTP_REQUEST_TIMEOUT: new Refusal(408, 408, 'The request did not come in time.'),
};

/**
 * Answers what Node itself refuses, since it is no request that could be handed on, in the shape of all our errors, and
 * closes the connection. Where a reply has begun on it already, or nobody reads any more, it is only closed.
 */
export function refuseUnreadable(error: Error & { code?: string }, stream: Duplex, hasBegun: boolean): void {
  if (stream.writableEnded) return; // refused already: this is what the client goes on sending
  const { code = '' } = error;
  if (hasBegun || !stream.writable || !/^(HPE|ERR_HTTP)_/.test(code)) {
    stream.destroy();
    return;
  }
  const refusal = refusals[code] ?? INVALID;
  const { status, body } = refusal;
  const lines = [...refusal.headers()].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const length = Buffer.byteLength(body);
  // No reason phrase: HTTP/1.1 takes none, and says that clients ignore it.
  stream.end(`HTTP/1.1 ${status} \r\n${lines}content-length: ${length}\r\nconnection: close\r\n\r\n${body}`);
  setTimeout(() => stream.destroy(), READ_MS).unref();
}
