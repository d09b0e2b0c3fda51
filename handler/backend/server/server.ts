import { ApiError } from '../../errors.ts';
import { hashOf } from '../../items/wire-name.ts';
import { fixedLimits } from '../../limits.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { RequestValues } from '../../request-values.ts';
import type { TraceHeaders } from '../../trace-headers.ts';
import type { ServerConnection, Transport, Upstream } from '../../transport.ts';
import { connectionFailed, failureOf } from './failure.ts';
import { type HeaderRules, withHeaderRules } from './header-rules.ts';
import { deploymentAt, keyHeader } from './servers.ts';

/** The header of requests that came through this server, to detect a loop: people point OPENAI_BASE_URL at us. */
export const HOP_HEADER = 'x-antiphon-hop';

/** The longest JSON that is read whole, in characters: a list of models, or of a million tokens. */
const MAX_JSON = 8 * 1024 * 1024;

/** A model server with an OpenAI-like API, as the configuration names it. */
export interface Server {
  /** Tells servers apart by their base URLs, which it does not show. */
  id: string;
  /** Sends a request to a path below the base URL; throws an ApiError when there is no connection. */
  send: Send;
  /** The same at its root, which is the base URL without a `/v1` at its end. */
  sendToRoot: Send;
  /** Whether it is one deployment of Azure's, which has no list of models. */
  isDeployment: boolean;
}

/**
 * Sends a request to a path, as a part of a trace if one is given; `values` are what header rules send on of a client's request.
 * Throws an ApiError when there is no connection.
 */
export type Send = (
  method: 'GET' | 'POST',
  path: string,
  signal: AbortSignal,
  body?: string | SentBody,
  trace?: TraceHeaders,
  values?: RequestValues,
) => Promise<Upstream>;

/** A body that is no JSON, or whose reply need not be. */
export interface SentBody {
  content: string | Uint8Array;
  type: string;
  /** The media types of replies. */
  accept: string;
}

/** What else the configuration says of a server. */
export interface ServerOptions {
  /** Its name in the table of known servers, by which it gets its key. */
  server?: string | undefined;
  /** Headers of the protocol, with credentials. Default: the key, as the server takes it. */
  ownHeaders?: Readonly<Record<string, string>> | undefined;
  /** Rules for the headers of all requests to it. */
  headers?: HeaderRules | undefined;
  /** How it is connected to, where not as any other. */
  connection?: ServerConnection | undefined;
}

/** What bodies are that are texts. */
const OF_JSON = { type: 'application/json', accept: 'text/event-stream, application/json' };

/**
 * The server at a base URL such as `http://127.0.0.1:11434/v1`, whose query goes with every request; an empty key sends no
 * credentials.
 */
export function openServer(
  url: string,
  key: string | undefined,
  transport: Transport,
  { server, ownHeaders = credentials(key, server), headers: rules, connection }: ServerOptions = {},
): Server {
  const [, address = url, query] = /^([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  const base = address.replace(/\/+$/, '');
  const whole = (path: string) => (query ? `${path}${path.includes('?') ? '&' : '?'}${query}` : path);
  const headers: Record<string, string> = {
    accept: OF_JSON.accept,
    [HOP_HEADER]: '1',
    ...ownHeaders,
  };
  const sendBelow = (start: string): Send => {
    return async (method, path, signal, body, trace, values) => {
      const { content, type, accept } = typeof body === 'object' ? body : { content: body, ...OF_JSON };
      const plainHeaders = content === undefined ? headers : { ...headers, accept, ...trace, 'content-type': type };
      try {
        return await transport(whole(start + path), {
          method,
          headers: rules ? withHeaderRules(plainHeaders, rules, values) : plainHeaders,
          signal,
          ...(content !== undefined && { body: content }),
          ...(connection && { connection }),
        });
      } catch (error) {
        throw connectionFailed(error);
      }
    };
  };
  return {
    id: hashOf(base),
    send: sendBelow(base),
    sendToRoot: sendBelow(base.replace(/\/v1$/, '')),
    isDeployment: deploymentAt(url) !== undefined,
  };
}

function credentials(key: string | undefined, server: string | undefined): Record<string, string> {
  if (!key) return {};
  return keyHeader(server, key) === 'api-key' ? { 'api-key': key } : { authorization: `Bearer ${key}` };
}

/** The same server, with requests for which rules send on these values of a client's request. */
export function sendingOn(server: Server, values: RequestValues | undefined): Server {
  if (!values) return server;
  const { send, sendToRoot } = server;
  const bound =
    (plain: Send): Send =>
    (method, path, signal, body, trace) =>
      plain(method, path, signal, body, trace, values);
  return { ...server, send: bound(send), sendToRoot: bound(sendToRoot) };
}

/** The object that a GET gives; rejects when it gives something else. */
export async function getJson(server: Server, path: string, signal: AbortSignal): Promise<JsonObject> {
  return readJson(await succeeded(server.send('GET', path, signal)));
}

/** A reply with status 200; throws an ApiError for any other. */
export async function succeeded(reply: Promise<Upstream>): Promise<Upstream> {
  const upstream = await reply;
  if (upstream.status !== 200) throw await failureOf(upstream);
  return upstream;
}

/** The JSON object of a reply, empty if it is no object. Rejects if it is not JSON, or too long. */
export async function readJson(upstream: Upstream): Promise<JsonObject> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of upstream.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_JSON) throw new ApiError('server', 'The model backend sent more than is read.');
  }
  const value: unknown = parseJson(text, fixedLimits.replyMembers);
  return isObject(value) ? value : {};
}
