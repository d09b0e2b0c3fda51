import type {
  HeaderMap,
  HeaderValue,
  HeaderValueOption,
  ProcessingRequest,
  ProcessingResponse,
  Struct,
} from './messages.ts';
import { refuseTarget } from './target.ts';

/** Method, URL and headers of a request: all that a fetch Request needs beside its body. */
export interface RequestParts {
  method: string;
  url: string;
  headers: Headers;
}

/**
 * Hop-by-hop headers (RFC 9110, 7.6.1): they belong to a connection, and neither a fetch handler nor Envoy wants them from
 * us.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * A host with an optional port and nothing else. A `/`, `?` or `#` in it would move what follows into the URL's path,
 * and the handler would see another path than the one Envoy matched its routes on.
 */
const AUTHORITY = /^(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * Reads `request_headers`; throws a TypeError for invalid pseudo headers or headers, and a Refusal for a path that is not
 * normal.
 */
export function readHeaders(map: HeaderMap | null): RequestParts {
  const headers = new Headers();
  let method = 'GET';
  let path = '/';
  let scheme = 'http';
  let authority = 'localhost';
  for (const header of map?.headers ?? []) {
    const value = textOf(header);
    if (header.key === ':method') method = value;
    else if (header.key === ':path') path = value;
    else if (header.key === ':scheme') scheme = value === 'https' ? 'https' : 'http';
    else if (header.key === ':authority') authority = value;
    else if (header.key === 'upgrade')
      headers.set('upgrade', value); // the handler may accept the upgrade
    else if (!header.key.startsWith(':') && !HOP_BY_HOP.has(header.key)) headers.append(header.key, value);
  }
  headers.set('host', authority);
  return { method, url: urlOf(scheme, authority, path), headers };
}

/** An attribute that holds a request header, as named in Envoy's configuration. */
const HEADER_ATTRIBUTE = /^request\.headers\['([\w-]+)'\]$/;

/**
 * Reads the request in Envoy's original mode from the attributes `request.method`, `request.path`, `request.id` and
 * `request.headers['NAME']` sent with the body; throws a TypeError when it is not valid.
 */
export function readAttributes(attributes: Record<string, Struct> | undefined): RequestParts {
  const fields = attributes?.['envoy.filters.http.ext_proc']?.fields ?? {};
  const headers = new Headers();
  for (const [name, { stringValue }] of Object.entries(fields)) {
    const header = HEADER_ATTRIBUTE.exec(name)?.[1];
    if (header && stringValue !== undefined) headers.set(header, stringValue);
  }
  const id = fields['request.id']?.stringValue;
  if (id) headers.set('x-request-id', id);
  const path = fields['request.path']?.stringValue || '/v1/responses';
  const method = fields['request.method']?.stringValue || 'POST';
  return { method, url: urlOf('http', 'localhost', path), headers };
}

/** The client address from Envoy's attributes; undefined when Envoy does not send it. */
export function peerOf(attributes: Record<string, Struct> | undefined): string | undefined {
  return attributes?.['envoy.filters.http.ext_proc']?.fields['source.address']?.stringValue;
}

/** Length of a request id, as in Envoy's own log. */
const MAX_ID_LENGTH = 128;

/** The request id of Envoy, from its first message; null without one. */
export function requestIdOf({ request_headers, attributes }: ProcessingRequest): string | null {
  const header = request_headers?.headers?.headers?.find(({ key }) => key === 'x-request-id');
  const id = header ? textOf(header) : attributes?.['envoy.filters.http.ext_proc']?.fields?.['request.id']?.stringValue;
  return id?.slice(0, MAX_ID_LENGTH) || null;
}

/** The path of a request, from its first message; undefined without one. */
export function pathOf({ request_headers, attributes }: ProcessingRequest): string | undefined {
  const header = request_headers?.headers?.headers?.find(({ key }) => key === ':path');
  return header ? textOf(header) : attributes?.['envoy.filters.http.ext_proc']?.fields?.['request.path']?.stringValue;
}

/** A complete reply in one message. */
export function wholeReply(status: number, headers: Headers, body: Uint8Array): ProcessingResponse {
  const set: HeaderValueOption[] = [];
  let previous = '';
  // Headers iterate sorted by name, with every set-cookie by itself: only a repeat may append, since the first must
  // replace what Envoy puts there itself (its local replies are text/plain).
  for (const header of replyHeaders(headers)) {
    set.push({ header, append: { value: header.key === previous } });
    previous = header.key;
  }
  return { immediate_response: { status: { code: status }, headers: { set_headers: set }, body } };
}

/** The head of a streamed reply. Without `:status` Envoy answers 502; of a repeated header it keeps the last. */
export function replyHead(status: number, headers: Headers): ProcessingResponse {
  const list = [{ key: ':status', raw_value: Buffer.from(String(status)) }, ...replyHeaders(headers)];
  return { streamed_immediate_response: { headers_response: { headers: { headers: list }, end_of_stream: false } } };
}

/** A piece of the body of a streamed reply. Exactly one piece, even an empty one, must be the last, or the client hangs. */
export function replyPiece(body: Uint8Array, last: boolean): ProcessingResponse {
  return { streamed_immediate_response: { body_response: { body, end_of_stream: last } } };
}

/**
 * The headers of a reply without `content-length`: Envoy computes it for a whole reply, and does not check it on a streamed
 * one, where a wrong value corrupts HTTP/1.
 */
function* replyHeaders(headers: Headers): Generator<HeaderValue> {
  for (const [key, value] of headers) {
    if (key === 'content-length' || HOP_BY_HOP.has(key)) continue;
    yield { key, raw_value: Buffer.from(value, 'latin1') };
  }
}

/** Latin-1 keeps every byte, as Headers does. */
function textOf(header: HeaderValue): string {
  return header.raw_value?.length ? header.raw_value.toString('latin1') : (header.value ?? '');
}

function urlOf(scheme: string, authority: string, path: string): string {
  if (!path.startsWith('/')) throw new TypeError('bad path');
  const refusal = refuseTarget(path);
  if (refusal) throw refusal;
  if (!AUTHORITY.test(authority)) throw new TypeError('bad authority');
  return `${scheme}://${authority}${path}`;
}
