import { EgressError } from './egress.ts';

/** A request of a tool, whose body can be sent again. */
export interface OutgoingCall {
  url: URL;
  method: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer> | undefined;
  redirect: RequestInit['redirect'];
  /** Whether a header is for the first origin alone. */
  isCredential(name: string): boolean;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Headers that are the connection's, or say where a request goes and how long it is: who sets one asks another server than is checked. */
const OF_CONNECTION =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|via|forwarded|x-forwarded-.*|proxy-.*|http2-settings)$/;

/** Whether a header, in lower case, is one of the connection. */
export function isOfConnection(name: string): boolean {
  return OF_CONNECTION.test(name);
}

/** Headers that are credentials by their names. */
const CREDENTIAL = /authorization|cookie|key|token|secret|password|credential|signature|session/;

/** Headers of a body, which goes with it. */
const OF_BODY = ['content-type', 'content-encoding', 'content-language', 'content-location'];

/** The request of a `fetch`; throws an EgressError for a method or a header that is none of a tool's. */
export async function outgoingCall(
  url: URL,
  init: RequestInit,
  credentials: readonly string[] = [],
): Promise<OutgoingCall> {
  const method = (init.method ?? 'GET').toUpperCase();
  if (!METHODS.has(method)) throw new EgressError('request', 'The method of the request is not taken.');
  const headers = headersOf(init.headers);
  for (const name of headers.keys())
    if (isOfConnection(name)) throw new EgressError('request', `The header ${name} is not a tool's to set.`);
  const body = init.body == null ? undefined : new Response(init.body);
  if (body && (method === 'GET' || method === 'HEAD'))
    throw new EgressError('request', `A ${method} request has no body.`);
  const type = body?.headers.get('content-type');
  if (type && !headers.has('content-type')) headers.set('content-type', type);
  if (!headers.has('user-agent')) headers.set('user-agent', 'antiphon');
  const own = new Set(credentials.map((name) => name.toLowerCase()));
  return {
    ...{ url, method, headers, redirect: init.redirect },
    body: body && new Uint8Array(await body.arrayBuffer()),
    isCredential: (name) => own.has(name) || CREDENTIAL.test(name),
  };
}

function headersOf(given: RequestInit['headers']): Headers {
  try {
    return new Headers(given);
  } catch (error) {
    throw new EgressError('request', 'A header of the request is not one of HTTP.', error);
  }
}

/** The request that follows a redirect, as browsers make it: 303 asks by GET, and so do 301 and 302 after a POST. */
export function redirected(call: OutgoingCall, status: number, url: URL): OutgoingCall {
  const headers = new Headers(call.headers);
  const isGet = call.method === 'GET' || call.method === 'HEAD';
  const asks = status === 303 ? !isGet : status < 303 && call.method === 'POST';
  if (asks) for (const name of OF_BODY) headers.delete(name);
  // Once gone they stay away: who leads elsewhere and back is not the one that they are for.
  if (url.origin !== call.url.origin)
    for (const name of [...headers.keys()]) if (call.isCredential(name)) headers.delete(name);
  return { ...call, url, headers, ...(asks && { method: 'GET', body: undefined }) };
}
