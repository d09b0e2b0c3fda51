import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Upstream } from '../../transport.ts';
import type { ForwardedRequest, PreparedForward, ServerProfile } from '../backend.ts';
import { type Fields, failureOf } from './failure.ts';
import { readForwarded } from './forwarded-reply.ts';
import { applyRules, plainRules } from './request-rules.ts';
import { type SentBody, type Server, sendingOn } from './server.ts';

/** Prepares a request that is passed on to a server, with what `send` says of it. */
export function forwardTo(server: Server, request: ForwardedRequest, profile: ServerProfile): PreparedForward {
  const { api, values } = request;
  const to = sendingOn(server, values);
  const fields = fieldsOf(request);
  const body = bodyOf(request, profile);
  const open = async (signal: AbortSignal, trace: Parameters<Server['send']>[4]): Promise<Upstream> => {
    const upstream = await to.send('POST', api.path, signal, body, trace);
    if (upstream.status !== 200) throw await failureOf(upstream, fields);
    return upstream;
  };
  const rules = { named: request.named, givesUsage: asksForUsage(request), fields };
  return {
    stream: (signal, options) => readForwarded(() => open(signal, options.trace), { api, rules }, options),
  };
}

function bodyOf({ api, model, body, values }: ForwardedRequest, profile: ServerProfile): SentBody {
  const accept = api.isJson ? 'text/event-stream, application/json' : '*/*';
  if ('bytesFor' in body) return { content: body.bytesFor(model), type: body.type, accept };
  const rules = plainRules(profile);
  const asked: JsonObject = { ...body.json, model };
  if (api.countsStreams && asked.stream === true) asked.stream_options = { ...optionsOf(asked), include_usage: true };
  const sent = api.isChat ? applyRules(asked, rules, values) : without(asked, rules.omit);
  return { content: JSON.stringify(sent), type: 'application/json', accept };
}

/** A request of an API of which the rules know no more than names: they may mean something else there. */
function without(request: JsonObject, omit: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(request).filter(([name]) => !omit.has(name)));
}

/** Whether the client has asked for the usage of a stream; what is no chat has no event for it alone. */
function asksForUsage({ api, body }: ForwardedRequest): boolean {
  return !api.countsStreams || ('json' in body && optionsOf(body.json).include_usage === true);
}

function optionsOf({ stream_options }: JsonObject): JsonObject {
  return isObject(stream_options) ? stream_options : {};
}

/** The client's fields have their own names in a server's refusal: those that it has sent. */
function fieldsOf({ api: { input }, body }: ForwardedRequest): Fields {
  const sent = 'json' in body ? body.json : undefined;
  const isSent = (path: string) => {
    const [, name = ''] = /^([\w-]{1,64})(?:[.[][\w.[\]-]{0,100})?$/.exec(path) ?? [];
    return sent === undefined ? false : Object.hasOwn(sent, name);
  };
  return {
    input,
    refused(params, messages) {
      const named = params.map((path) => path.replace(/^body\./, '')).find(isSent);
      if (named !== undefined) return named;
      const quoted = messages.flatMap((message) =>
        Array.from(message.matchAll(/['"`](\w{1,64})['"`]/g), ([, name = '']) => name),
      );
      return quoted.find(isSent);
    },
  };
}
