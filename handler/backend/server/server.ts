import { ApiError } from '../../errors.ts';
import { hashOf } from '../../items/wire-name.ts';
import { fixedLimits } from '../../limits.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { RequestValues } from '../../request-values.ts';
import type { TraceHeaders } from '../../trace-headers.ts';
import type { Transport, Upstream } from '../../transport.ts';
import { connectionFailed, failureOf } from './failure.ts';
import { type HeaderRules, withHeaderRules } from './header-rules.ts';

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
  /** Headers of the protocol, with credentials. Default: the key as a bearer token. */
  ownHeaders?: Readonly<Record<string, string>> | undefined;
  /** Rules for the headers of all requests to it. */
  headers?: HeaderRules | undefined;
}

/** What bodies are that are texts. */
const OF_JSON = { type: 'application/json', accept: 'text/event-stream, application/json' };

/** The server at a base URL such as `http://127.0.0.1:11434/v1`; an empty key sends no credentials. */
export function openServer(
  url: string,
  key: string | undefined,
  transport: Transport,
  { ownHeaders = key ? { authorization: `Bearer ${key}` } : {}, headers: rules }: ServerOptions = {},
): Server {
  const base = url.replace(/\/+$/, '');
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
        return await transport(start + path, {
          method,
          headers: rules ? withHeaderRules(plainHeaders, rules, values) : plainHeaders,
          signal,
          ...(content !== undefined && { body: content }),
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
  };
}

/** The same server, with requests for which rules send on these values of a client's request. */
export function sendingOn(server: Server, values: RequestValues | undefined): Server {
  if (!values) return server;
  const { id, send, sendToRoot } = server;
  const bound =
    (plain: Send): Send =>
    (method, path, signal, body, trace) =>
      plain(method, path, signal, body, trace, values);
  return { id, send: bound(send), sendToRoot: bound(sendToRoot) };
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
