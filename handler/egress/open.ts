import { bodyStream } from './body.ts';
import type { Egress, EgressConnect, EgressRules, FetchLike, OutgoingReply } from './egress.ts';
import { EgressError } from './egress.ts';
import { type OutgoingCall, outgoingCall, redirected } from './redirect.ts';
import { type AllowList, allowList, parseUrl, reachOf } from './target.ts';

/** How long headers and silence may take, in milliseconds, where a rule does not say. */
const TIMEOUT_MS = 30_000;

/** Redirects that are followed, where a rule does not say. */
const MAX_REDIRECTS = 5;

/** Statuses whose replies have no body, whatever was sent. */
const BODYLESS = new Set([101, 204, 205, 304]);

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The egress of a configuration: `allow` are its private targets that requests, tools and pages may name. */
export function openEgress(connect: EgressConnect, allow: readonly string[] = []): Egress {
  const list = allowList(allow, connect.checksAddresses);
  return { open: (rules) => guardedFetch(connect, list, rules) };
}

function guardedFetch(connect: EgressConnect, allow: AllowList, rules: EgressRules): FetchLike {
  const { timeout = TIMEOUT_MS, deadline, maxBytes } = rules;
  const configured = rules.configured === undefined ? undefined : new URL(rules.configured).origin;
  return async (given, init = {}) => {
    const call = await outgoingCall(parseUrl(given), init, rules.credentials);
    const ending = new AbortController();
    const follow = () => ending.abort(init.signal?.reason);
    if (init.signal?.aborted) follow();
    init.signal?.addEventListener('abort', follow);
    const late = (what: string) => ending.abort(new EgressError('timeout', what));
    const timer = setTimeout(late, timeout, 'The server did not answer in time.');
    const lasting = deadline === undefined ? undefined : setTimeout(late, deadline, 'The reply took too long.');
    const end = () => {
      clearTimeout(lasting);
      init.signal?.removeEventListener('abort', follow);
    };
    try {
      const { reply, url } = await answered(call, async (hop) => {
        ending.signal.throwIfAborted();
        const reach = reachOf(hop.url, allow, configured);
        return connect({ ...hop, reach, maxBytes, signal: ending.signal });
      });
      if (reply.status >= 200 && reply.status < 300) checkType(reply, rules.types);
      const body = reply.body && !BODYLESS.has(reply.status) && call.method !== 'HEAD' ? reply.body : undefined;
      if (!body) {
        reply.body?.close();
        end();
      }
      const isStream = call.method === 'GET' && reply.headers.get('content-type')?.startsWith('text/event-stream');
      const silence = (isStream ? rules.silence : undefined) ?? timeout;
      const stream = body && bodyStream(body, { maxBytes, timeout: silence, signal: ending.signal, end });
      return responseOf(reply, stream, url, url.href !== call.url.href);
    } catch (error) {
      end();
      throw asFailure(error, ending.signal);
    } finally {
      clearTimeout(timer);
    }
  };

  /** The first reply that is no redirect, with where it came from. */
  async function answered(call: OutgoingCall, ask: (hop: OutgoingCall) => Promise<OutgoingReply>) {
    const { redirects = MAX_REDIRECTS } = rules;
    let hop = call;
    for (let count = 0; ; count++) {
      const reply = await ask(hop);
      const location = reply.headers.get('location');
      if (!REDIRECTS.has(reply.status) || location === null || call.redirect === 'manual')
        return { reply, url: hop.url };
      reply.body?.close();
      if (call.redirect === 'error')
        throw new EgressError('redirect', 'The server redirects, which is not taken here.');
      if (count >= redirects) throw new EgressError('redirect', 'The server redirects too often.');
      hop = redirected(hop, reply.status, parseUrl(location, hop.url));
    }
  }
}

/** Throws an EgressError for a type that is none of these, having ended the body. */
function checkType({ headers, body }: OutgoingReply, types: readonly string[] | undefined): void {
  if (!types || !body) return;
  const type = (headers.get('content-type') ?? '').replace(/;.*$/s, '').trim().toLowerCase();
  const isTaken = types.some((one) => one === type || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))));
  if (isTaken) return;
  body.close();
  throw new EgressError('content_type', `The reply is of none of the content types ${types.join(', ')}.`);
}

function responseOf(
  { status, headers }: OutgoingReply,
  body: ReadableStream<Uint8Array> | undefined,
  url: URL,
  isRedirected: boolean,
): Response {
  if (status < 200 || status > 599) throw new EgressError('broken', 'The server answered with a status that is none.');
  const response = new Response(body ?? null, { status, headers });
  Object.defineProperty(response, 'url', { value: url.href });
  Object.defineProperty(response, 'redirected', { value: isRedirected });
  return response;
}

/** The reason of the signal, an EgressError as it is, and one that tells nothing for anything else. */
function asFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof EgressError) return error;
  return new EgressError('unreachable', 'The server could not be reached.', error);
}
