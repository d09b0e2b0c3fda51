import { BodyMemory, type Memory } from './body-memory.ts';
import { pathOf, peerOf, requestIdOf, wholeReply } from './codec.ts';
import { withBodyInQuery } from './get-body.ts';
import { type Intake, takeRequest } from './intake.ts';
import type { ProcessingRequest, ProcessingResponse } from './messages.ts';
import { encodeMetadata, type Metadata } from './metadata.ts';
import { unlessAborted } from './race.ts';
import { Refusal, serverError } from './refusal.ts';
import { type Outlet, sendLive, sendWhole, TruncatedReply } from './reply.ts';
import { type Vouched, vouchedOf } from './vouched.ts';

/** One ext_proc stream: messages from Envoy, and a way to answer. */
export interface Exchange extends AsyncIterable<ProcessingRequest> {
  /** Resolves when more may be sent, or at once when the peer is gone; never rejects. */
  send(message: ProcessingResponse): Promise<void>;
  /** Aborts when the client leaves before its reply is complete. */
  readonly signal: AbortSignal;
  /** The headers of the gRPC call by which its sender names the place of this exchange in a trace. */
  readonly trace?: TraceHeaders | undefined;
  /** Whether the gRPC call has a proof in its headers, which Envoy writes itself: nothing of a client's request is among them. */
  hasProof?(proof: Proof): boolean;
  /** Calls `then` once, when the exchange and its reply are done with. */
  closed?(then: () => void): void;
}

/** A place in a trace, as W3C's headers name it. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A header, in lower case, and the secret in it, that prove that a request comes from our Envoy. */
export interface Proof {
  header: string;
  value: string;
}

/** How a request came in. */
export interface Ingress {
  readonly name: 'ext_proc' | 'http';
  /** Whether web pages can reach it by DNS rebinding, so that Host and Origin must be checked. */
  readonly rebindable?: boolean;
  /** The client's address, from the attribute `source.address`. */
  readonly peer?: string | undefined;
  /** What Envoy says of the client, on plain HTTP in headers alone, if it has proved to be ours; read only where it is asked for. */
  readonly vouched?: Partial<Vouched> | undefined;
  /** Its place in a trace, as the metadata of the gRPC call names it. */
  readonly trace?: TraceHeaders | undefined;
  /** Calls `then` once, when the reply was read, or its reader is gone. */
  ended?(then: () => void): void;
  /**
   * Takes what is to be said of the request as Envoy's dynamic metadata: `next` is called beside each message of the reply that is
   * sent anyway, and gives what has changed since, if anything.
   */
  report?(next: () => Metadata | undefined): void;
}

/** Any web-standard handler. */
export type Fetch = (request: Request, ingress: Ingress) => Response | Promise<Response>;

/** The shim's own log; requests that reach the handler are logged there. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  properties?: Record<string, unknown>,
) => void;

/** Limits and log of every session. */
export interface SessionOptions {
  /**
   * Maximum bytes of a request body and of a reply body, and milliseconds from the first message to the end of the reply:
   * slightly above the handler's own limits, so that its graceful end comes first. `proof` is the header of the gRPC call, and the
   * secret in it, that prove that the call comes from our Envoy.
   */
  limits: { body: number; reply: number; time: number; proof?: Proof | undefined };
  /** Whether nobody but our Envoy can call. Default: false. */
  vouches?: boolean;
  /** Whether web pages can reach it by DNS rebinding, through an Envoy that checks no names. Default: false. */
  rebindable?: boolean;
  /** Memory budget for bodies. */
  memory?: Memory | undefined;
  log: Log;
}

/**
 * Serves one ext_proc stream: its request becomes a fetch Request, the Response its answer. Every stream gets an answer
 * unless its client has left. Rejects with a TruncatedReply, already logged, when a streamed reply breaks off; ending the call with
 * an error status then makes Envoy truncate the reply.
 */
export async function serveExchange(exchange: Exchange, fetch: Fetch, options: SessionOptions): Promise<void> {
  const { limits, rebindable, vouches, log } = options;
  const { proof } = limits;
  const messages = exchange[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done) return;
  if (isOfResponse(first.value)) return passThrough(first.value, messages, exchange);

  const work = new AbortController();
  const onAbort = () => work.abort(exchange.signal.reason);
  if (exchange.signal.aborted) onAbort();
  exchange.signal.addEventListener('abort', onAbort);
  const onTimeout = () => work.abort(new Refusal(500, 500, 'The server did not finish its reply in time.'));
  const timer = setTimeout(onTimeout, limits.time);
  let nextMetadata = (): Metadata | undefined => undefined;
  const outlet: Outlet = {
    send: (message) => exchange.send(message),
    reply(message) {
      const dynamic_metadata = metadataOf(nextMetadata, log);
      return exchange.send(dynamic_metadata ? { ...message, dynamic_metadata } : message);
    },
    signal: work.signal,
    limit: limits.reply,
  };
  const requestId = requestIdOf(first.value);
  let isWhole = false;
  // The handler logs complete requests.
  const logEarlyEnd = () =>
    log('info', 'The request ended before it was whole.', { request_id: requestId, status: 499 });
  const memory = new BodyMemory(options.memory);
  const ingress: Ingress = {
    name: 'ext_proc',
    peer: peerOf(first.value.attributes),
    get vouched() {
      const isProved = vouches || (proof && exchange.hasProof?.(proof));
      return isProved ? vouchedOf(first.value) : undefined;
    },
    // Asked for only where traces are on.
    get trace() {
      return exchange.trace;
    },
    ...(rebindable && { rebindable }),
    ...(exchange.closed && { ended: exchange.closed }),
    report(next) {
      nextMetadata = next;
    },
  };
  try {
    const pending = takeRequest(first.value, messages, outlet.send, limits.body, memory);
    const intake = await unlessAborted(pending, work.signal);
    void messages.return?.(); // the request is complete: drop what the peer still sends
    if (!intake) return logEarlyEnd();
    if (proof) intake.headers.delete(proof.header); // whoever wrote it there
    isWhole = true;
    memory.settle();
    await answer(intake, await respond(intake, fetch, ingress, work.signal), outlet);
  } catch (error) {
    work.abort(error);
    if (exchange.signal.aborted) return isWhole ? undefined : logEarlyEnd();
    if (error instanceof TruncatedReply) {
      log('error', error.message, { request_id: requestId, error: error.cause });
      throw error;
    }
    const refusal = error instanceof Refusal ? error : serverError();
    log(refusal.status < 500 ? 'info' : 'error', refusal.message, {
      request_id: requestId,
      status: refusal.status,
      error,
    });
    const { status, headers, body } = refusal.at(pathOf(first.value), requestId);
    void exchange.send(wholeReply(status, withRequestId(headers, requestId), Buffer.from(body)));
  } finally {
    memory.close();
    clearTimeout(timer);
    exchange.signal.removeEventListener('abort', onAbort);
  }
}

/** Calls the handler; a Response that comes too late is closed. */
async function respond(intake: Intake, fetch: Fetch, ingress: Ingress, signal: AbortSignal): Promise<Response> {
  const request = requestOf(intake, signal);
  const pending = Promise.resolve(fetch(request, ingress));
  try {
    return await unlessAborted(pending, signal);
  } catch (error) {
    pending.then((response) => response.body?.cancel()).catch(() => {});
    throw error;
  }
}

function requestOf({ method, url, headers, body }: Intake, signal: AbortSignal): Request {
  const bodiless = method === 'GET' || method === 'HEAD' || body.length === 0;
  const [only] = body;
  let request: Request;
  try {
    const bytes = body.length === 1 && only ? only : Buffer.concat(body);
    request = new Request(method === 'GET' && bytes.length > 0 ? withBodyInQuery(url, bytes) : url, {
      method,
      headers,
      signal,
      ...(bodiless ? {} : { body: bytes }),
    });
  } catch {
    throw new Refusal(400, 400, 'The request line or a header is not valid.');
  }
  // Replace the signal: that of a Request never aborts once the Request is garbage collected, even if the handler keeps the
  // signal for its stream (undici follows the given one through a WeakRef). Ours lives as long as the exchange.
  return Object.defineProperty(request, 'signal', { value: signal });
}

async function answer(intake: Intake, response: Response, outlet: Outlet): Promise<void> {
  const { status } = response;
  const head = { status, headers: withRequestId(response.headers, intake.headers.get('x-request-id')) };
  if (intake.method === 'HEAD' || status === 204 || status === 304) {
    response.body?.cancel().catch(() => {});
    return sendWhole(head, null, outlet);
  }
  return (intake.live && isLive(head.headers) ? sendLive : sendWhole)(head, response.body, outlet);
}

/** Whether a reply is read as it is made: events, and what no proxy is to hold back. */
function isLive(headers: Headers): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') || headers.get('x-accel-buffering') === 'no';
}

/** What the handler reports now. An error in it costs the report, and not the reply. */
function metadataOf(next: () => Metadata | undefined, log: Log): Uint8Array | undefined {
  try {
    return encodeMetadata(next());
  } catch (error) {
    log('error', 'A report for dynamic metadata failed.', { error });
    return undefined;
  }
}

/** Adds the request id: Envoy adds no headers of its own to such a reply. */
function withRequestId(headers: Headers, id: string | null): Headers {
  if (!id || headers.has('x-request-id')) return headers;
  const more = new Headers(headers);
  more.set('x-request-id', id);
  return more;
}

function isOfResponse(message: ProcessingRequest): boolean {
  return Boolean(message.response_headers ?? message.response_body ?? message.response_trailers);
}

/** Passes on the reply to a request that is not ours (in the original mode, one without a body), unchanged. */
async function passThrough(first: ProcessingRequest, messages: AsyncIterator<ProcessingRequest>, exchange: Exchange) {
  for (let message: ProcessingRequest | undefined = first; message; message = (await messages.next()).value) {
    if (message.response_headers) await exchange.send({ response_headers: { response: {} } });
    else if (message.response_body) await exchange.send({ response_body: { response: {} } });
    else await exchange.send({ response_trailers: {} });
  }
}
