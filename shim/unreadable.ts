import type { Duplex } from 'node:stream';
import { Refusal } from './refusal.ts';

/** How long a refused client may take to read the error, in milliseconds. */
const READ_MS = 1_000;

const INVALID = new Refusal(400, 400, 'The request is not valid HTTP.');

/** Refusals by the error code of Node's parser; any other is a 400. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: new Refusal(431, 431, 'The headers of the request are too large.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new Refusal(413, 'request_too_large', 'The chunk extensions are too large.'),
  ERR_HTTP_REQUEST_TIMEOUT: new Refusal(408, 408, 'The request did not come in time.'),
};

/**
 * Answers requests that Node cannot parse, in the shape of our other errors, and closes the connection. If a reply has begun
 * on it, or nobody reads, it is only closed.
 */
export function refuseUnreadable(error: Error & { code?: string }, stream: Duplex, hasBegun: boolean): void {
  if (stream.writableEnded) return; // already refused: the client keeps sending
  const { code = '' } = error;
  if (hasBegun || !stream.writable || !/^(HPE|ERR_HTTP)_/.test(code)) {
    stream.destroy();
    return;
  }
  const refusal = refusals[code] ?? INVALID;
  const { status, body } = refusal;
  const lines = [...refusal.headers()].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const length = Buffer.byteLength(body);
  // No reason phrase: HTTP/1.1 allows an empty one, and clients ignore it.
  stream.end(`HTTP/1.1 ${status} \r\n${lines}content-length: ${length}\r\nconnection: close\r\n\r\n${body}`);
  setTimeout(() => stream.destroy(), READ_MS).unref();
}
