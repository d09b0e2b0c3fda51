import { BodyMemory, type Memory } from './body-memory.ts';
import { peerOf, requestIdOf, wholeReply } from './codec.ts';
import { type Intake, takeRequest } from './intake.ts';
import type { ProcessingRequest, ProcessingResponse } from './messages.ts';
import { unlessAborted } from './race.ts';
import { Refusal, serverError } from './refusal.ts';
import { Cut, type Outlet, sendLive, sendWhole } from './reply.ts';

/** One ext_proc stream: what Envoy sends, and a way to answer. */
export interface Exchange extends AsyncIterable<ProcessingRequest> {
  /** Resolves when more may be sent, and at once when the peer is gone; never rejects. */
  send(message: ProcessingResponse): Promise<void>;
  /** Aborted when the client leaves before its reply is whole. */
  readonly signal: AbortSignal;
  /** Calls `then` once, when nothing of the exchange is held any more, its reply included. */
  closed?(then: () => void): void;
}

/** How a request came in. */
export interface Ingress {
  readonly name: 'ext_proc' | 'http';
  /** Whether a web page can reach it by DNS rebinding, so that Host and Origin have to be checked. */
  readonly rebindable?: boolean;
  /** The client's address, as the peer's attribute `source.address` has it. */
  readonly peer?: string | undefined;
  /** Calls `then` once, when the reply has been read, or nobody is left to read it. */
  ended?(then: () => void): void;
}

/** Any web-standard handler. */
export type Fetch = (request: Request, ingress: Ingress) => Response | Promise<Response>;

/** Where the shim's own lines go; a request that reached the handler is the handler's to log. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  properties?: Record<string, unknown>,
) => void;

/** Limits and log of every session. */
export interface SessionOptions {
  /**
   * Most bytes of a request's body and of a reply's, and most ms from a request's first message to its reply's end:
   * a little more than the handler's own limit on a turn, so that the handler's graceful end comes first.
   */
  limits: { body: number; reply: number; time: number };
  /** Whether a web page can reach it by DNS rebinding: through an Envoy that looks at no names. Default: false. */
  rebindable?: boolean;
  /** Where the bodies that are held take their room from. */
  memory?: Memory | undefined;
  log: Log;
}

/**
 * Serves one ext_proc stream: its request becomes a fetch Request, the Response its answer. Every stream gets an answer
 * unless its client has left. Rejects (with a Cut, already logged) only when a streamed reply was begun and could not
 * be finished; ending the call with an error status then makes Envoy truncate the reply.
 */
export async function serveExchange(exchange: Exchange, fetch: Fetch, options: SessionOptions): Promise<void> {
  const { limits, rebindable, log } = options;
  const messages = exchange[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done) return;
  if (isOfResponse(first.value)) return letThrough(first.value, messages, exchange);

  const work = new AbortController();
  const onAbort = () => work.abort(exchange.signal.reason);
  if (exchange.signal.aborted) onAbort();
  exchange.signal.addEventListener('abort', onAbort);
  const onTimeout = () => work.abort(new Refusal(500, 500, 'The server did not finish its reply in time.'));
  const timer = setTimeout(onTimeout, limits.time);
  const outlet: Outlet = { send: (message) => exchange.send(message), signal: work.signal, limit: limits.reply };
  const requestId = requestIdOf(first.value);
  let isWhole = false;
  // What is whole is the handler's to log.
  const logEarlyEnd = () =>
    log('info', 'The request ended before it was whole.', { request_id: requestId, status: 499 });
  const memory = new BodyMemory(options.memory);
  const ingress: Ingress = {
    name: 'ext_proc',
    peer: peerOf(first.value.attributes),
    ...(rebindable && { rebindable }),
    ...(exchange.closed && { ended: exchange.closed }),
  };
  try {
    const pending = takeRequest(first.value, messages, outlet.send, limits.body, memory);
    const intake = await unlessAborted(pending, work.signal);
    void messages.return?.(); // the request is whole: what the peer still sends is kept by nobody
    if (!intake) return logEarlyEnd();
    isWhole = true;
    memory.settle();
    await answer(intake, await respond(intake, fetch, ingress, work.signal), outlet);
  } catch (error) {
    work.abort(error);
    if (exchange.signal.aborted) return isWhole ? undefined : logEarlyEnd();
    if (error instanceof Cut) {
      log('error', error.message, { request_id: requestId, error: error.cause });
      throw error;
    }
    const refusal = error instanceof Refusal ? error : serverError();
    log(refusal.status < 500 ? 'info' : 'error', refusal.message, {
      request_id: requestId,
      status: refusal.status,
      error,
    });
    void exchange.send(
      wholeReply(refusal.status, withRequestId(refusal.headers(), requestId), Buffer.from(refusal.body)),
    );
  } finally {
    memory.close();
    clearTimeout(timer);
    exchange.signal.removeEventListener('abort', onAbort);
  }
}

/** The handler's Response; whatever comes of one that is given up is closed. */
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
    const whole = body.length === 1 && only ? only : Buffer.concat(body);
    request = new Request(url, { method, headers, signal, ...(bodiless ? {} : { body: whole }) });
  } catch {
    throw new Refusal(400, 400, 'The request line or a header is not valid.');
  }
  // A Request's own signal is garbage once the Request is, and then never aborts, even for a handler that has kept the
  // signal for its stream (undici follows the given signal through a WeakRef): ours lives as long as the exchange.
  return Object.defineProperty(request, 'signal', { value: signal });
}

async function answer(intake: Intake, response: Response, outlet: Outlet): Promise<void> {
  const { status } = response;
  const head = { status, headers: withRequestId(response.headers, intake.headers.get('x-request-id')) };
  if (intake.method === 'HEAD' || status === 204 || status === 304) {
    response.body?.cancel().catch(() => {});
    return sendWhole(head, null, outlet);
  }
  const live = intake.live && head.headers.get('content-type')?.startsWith('text/event-stream');
  return (live ? sendLive : sendWhole)(head, response.body, outlet);
}

/** A reply of Envoy's own making has only the headers that we name, so the id must be among them. */
function withRequestId(headers: Headers, id: string | null): Headers {
  if (!id || headers.has('x-request-id')) return headers;
  const more = new Headers(headers);
  more.set('x-request-id', id);
  return more;
}

function isOfResponse(message: ProcessingRequest): boolean {
  return Boolean(message.response_headers ?? message.response_body ?? message.response_trailers);
}

/** Answers for a reply that is not ours (in the original mode, that of a request without a body): unchanged. */
async function letThrough(first: ProcessingRequest, messages: AsyncIterator<ProcessingRequest>, exchange: Exchange) {
  for (let message: ProcessingRequest | undefined = first; message; message = (await messages.next()).value) {
    if (message.response_headers) await exchange.send({ response_headers: { response: {} } });
    else if (message.response_body) await exchange.send({ response_body: { response: {} } });
    else await exchange.send({ response_trailers: {} });
  }
}
