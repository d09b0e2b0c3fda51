import { ApiError } from '../../errors.ts';
import { Remembered } from '../../remembered.ts';
import type { TraceHeaders } from '../../trace-headers.ts';
import type { Transport, Upstream } from '../../transport.ts';
import type { Backend, OfferedModel } from '../backend.ts';
import { toModelFunctions } from '../functions/tools.ts';
import { text } from '../server/json-fields.ts';
import { modelsIn } from '../server/listed-models.ts';
import { readReply } from '../server/reply-stream.ts';
import { getJson, openServer, readJson, type Server, type ServerOptions, sendingOn } from '../server/server.ts';
import { ServerMemory } from '../server/server-memory.ts';
import { ServerTokenCounter, tokens } from '../server/token-count.ts';
import { boundIn, isAboutThinking } from './failure.ts';
import { MessagesReply } from './reply.ts';
import { COUNTED_MEMBERS, type MessagesRequest, toCounted, toRequest, withBound, withoutThinking } from './request.ts';

/** The version of the API that is spoken here. */
const VERSION = '2023-06-01';

/** A backend that speaks Anthropic's Messages API at a base URL such as `https://api.anthropic.com/v1`. Always streams. */
export function anthropic(
  url: string,
  key: string | undefined,
  transport: Transport,
  options: ServerOptions = {},
): Backend {
  const ownHeaders = { 'anthropic-version': VERSION, ...(key && { 'x-api-key': key }) };
  const server = openServer(url, key, transport, { ...options, ownHeaders });
  const counter = new ServerTokenCounter();
  const memory = new ServerMemory(server, { isInTable: false });
  /** The output token limits of models, learned from errors. */
  const bounds = new Remembered<number>();
  return {
    prepare(call, profile) {
      const tools = toModelFunctions(call.tools, call.params, profile.grammars);
      const request = toRequest(call, tools, bounds.get(call.model));
      const { model, values } = call;
      const to = sendingOn(server, values);
      const send =
        (path: string, signal: AbortSignal, trace?: TraceHeaders, settable?: readonly string[]) =>
        (body: MessagesRequest) => {
          const rules = memory.rules(model, profile);
          return memory.send({ model, profile, request: body, rules, values, ...(settable && { settable }) }, (json) =>
            to.send('POST', path, signal, json, trace),
          );
        };
      const within = (bound: number) => {
        if (call.max_output_tokens !== null) return undefined;
        bounds.set(call.model, bound);
        return withBound(request, bound);
      };
      return {
        stream(signal, options) {
          const reply = new MessagesReply(call, tools);
          return readReply(() => open(send('/messages', signal, options?.trace), request, within), reply, options);
        },
        async countTokens(signal) {
          const count = async () => {
            const upstream = await open(
              send('/messages/count_tokens', signal, undefined, COUNTED_MEMBERS),
              toCounted(request),
            );
            return tokens((await readJson(upstream)).input_tokens);
          };
          return counter.first({ count });
        },
      };
    },
    models: (signal) => listModels(server, signal),
  };
}

/**
 * Sends a request. If it is refused for earlier thinking, it is sent once more without; if for too many output
 * tokens, once more as `within` makes it.
 */
async function open(
  send: (body: MessagesRequest) => Promise<Upstream>,
  request: MessagesRequest,
  within: (bound: number) => MessagesRequest | undefined = () => undefined,
): Promise<Upstream> {
  try {
    return await send(request);
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    const bound = boundIn(failure);
    const other = bound ? within(bound) : isAboutThinking(failure) ? withoutThinking(request) : undefined;
    if (!other) throw failure;
    return send(other);
  }
}

/** The most models the API lists in one page. */
const PAGE_SIZE = 1_000;

async function listModels(server: Server, signal: AbortSignal): Promise<OfferedModel[]> {
  const all: OfferedModel[] = [];
  for (let after = ''; ; ) {
    const from = after && `&after_id=${encodeURIComponent(after)}`;
    const page = await getJson(server, `/models?limit=${PAGE_SIZE}${from}`, signal);
    all.push(...modelsIn(page));
    const last = page.has_more === true ? text(page.last_id) : '';
    if (last === '' || last === after) return all;
    after = last;
  }
}
