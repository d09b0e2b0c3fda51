import { ByteList } from '../handler/byte-list.ts';
import type { BodyMemory } from './body-memory.ts';
import { type RequestParts, readAttributes, readHeaders } from './codec.ts';
import { BODY_MODES, type ProcessingRequest, type ProcessingResponse } from './messages.ts';
import { overloaded, Refusal, tooLarge } from './refusal.ts';

/** A request from Envoy; `live` says whether its reply may be streamed. */
export interface Intake extends RequestParts {
  body: Uint8Array[];
  live: boolean;
}

/** CONTINUE: the answer to request_headers that lets Envoy go on; proto-loader fills in the status. */
const CONTINUE: ProcessingResponse = { request_headers: { response: {} } };

const BUFFERED = BODY_MODES.indexOf('BUFFERED');
const FULL_DUPLEX_STREAMED = BODY_MODES.indexOf('FULL_DUPLEX_STREAMED');

/**
 * Reads one request from a stream that starts with `first`, with at most `limit` bytes of body, reserved in `memory`. Throws
 * a Refusal for what cannot be served; undefined when the client left before the request was complete.
 */
export async function takeRequest(
  first: ProcessingRequest,
  messages: AsyncIterator<ProcessingRequest>,
  send: (message: ProcessingResponse) => Promise<void>,
  limit: number,
  memory: BodyMemory,
): Promise<Intake | undefined> {
  // Envoy older than protocol_config knows no FULL_DUPLEX_STREAMED either, and only BUFFERED is ours among the rest.
  const mode = first.protocol_config?.request_body_mode ?? BUFFERED;
  const live = mode === FULL_DUPLEX_STREAMED;

  if (first.request_body) {
    if (mode !== BUFFERED) throw unsupported(mode, ' without request headers');
    const parts = readable(() => readAttributes(first.attributes));
    return { ...parts, body: [checked(first.request_body.body, limit, memory)], live: false };
  }
  if (!first.request_headers) throw unsupported(mode, ' without request headers and body');

  const parts = readable(() => readHeaders(first.request_headers?.headers ?? null));
  // An upgrade has no end of body: what follows belongs to the other protocol.
  if (first.request_headers.end_of_stream || parts.headers.has('upgrade')) return { ...parts, body: [], live };
  if (!live && mode !== BUFFERED) throw unsupported(mode, ' with a request body');
  // Refuse by content-length before reading anything; a wrong length is found while reading.
  if (Number(parts.headers.get('content-length')) > limit) throw tooLarge(limit);
  // In FULL_DUPLEX_STREAMED this answer would forbid the streamed reply (500, spurious_message).
  if (!live) await send(CONTINUE);
  const body = await collect(messages, live, limit, memory);
  return body && { ...parts, body, live };
}

/** The body up to its end; undefined when the stream ended first. */
async function collect(messages: AsyncIterator<ProcessingRequest>, live: boolean, limit: number, memory: BodyMemory) {
  const chunks = new ByteList();
  let size = 0;
  for (;;) {
    const next = await messages.next();
    if (next.done) return undefined;
    const { request_body: part, request_trailers: trailers } = next.value;
    if (part) {
      size += part.body.length;
      if (size > limit) throw tooLarge(limit);
      if (!memory.take(part.body.length)) throw overloaded();
      chunks.add(part.body);
    }
    // In BUFFERED mode the one message is the whole body whatever its flag says: the trailers that may follow come only
    // after it has been answered.
    if (trailers || part?.end_of_stream || (part && !live)) return chunks.end();
  }
}

function checked(body: Uint8Array, limit: number, memory: BodyMemory): Uint8Array {
  if (body.length > limit) throw tooLarge(limit);
  if (!memory.take(body.length)) throw overloaded();
  return body;
}

function readable(read: () => RequestParts): RequestParts {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 400, 'The request line or a header is not valid.');
  }
}

function unsupported(mode: number, circumstance: string): Refusal {
  const name = BODY_MODES[mode] ?? mode;
  const message = `Envoy's ext_proc request_body_mode ${name}${circumstance} is not supported`;
  return new Refusal(500, 500, `${message}: use FULL_DUPLEX_STREAMED, or BUFFERED before Envoy 1.37.`);
}
