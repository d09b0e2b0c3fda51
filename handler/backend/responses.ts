import { ApiError } from '../errors.ts';
import type { ItemEvent } from '../protocol/events.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import { eventData } from '../sse.ts';
import { markAsync } from './async-calls.ts';
import type { Backend, Finish } from './backend.ts';
import { connectionFailed, failureOf, garbled } from './failure.ts';
import { ask, OwnCount, only, tokens } from './own-count.ts';
import { ResponsesReply } from './responses-reply.ts';
import { toRequest } from './responses-request.ts';
import { listModels, type Server } from './server.ts';

/** The most that one stream may hold, in characters: its events repeat a text up to four times, around each token. */
const MAX_STREAM = 512 * 1024 * 1024;

/** What of a request `POST /responses/input_tokens` takes; OpenAI's refuses the rest. */
const COUNTED = [
  ...['model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'text', 'reasoning'],
  'response_format',
];

/** A backend that speaks the Responses API itself: OpenAI, vLLM, llama.cpp, Ollama. Streams always, and stores nothing. */
export function responses(server: Server): Backend {
  const own = new OwnCount();
  return {
    generate(call, signal) {
      const body = JSON.stringify(toRequest(call, server));
      return markAsync(stream(server, body, new ResponsesReply(call, server), signal), call.tools);
    },
    async countTokens(call, signal) {
      const request = only(toRequest(call, server), COUNTED);
      const count = async () =>
        tokens((await ask(server.send, '/responses/input_tokens', request, signal)).input_tokens);
      return own.first({ count });
    },
    models: (signal) => listModels(server, signal),
  };
}

async function* stream(
  server: Server,
  body: string,
  reply: ResponsesReply,
  signal: AbortSignal,
): AsyncGenerator<ItemEvent | Finish, void> {
  const upstream = await server.send('POST', '/responses', signal, body);
  if (upstream.status !== 200) throw await failureOf(upstream);
  let size = 0;
  try {
    for await (const batch of eventData(upstream.body)) {
      for (const data of batch) {
        // None of the servers that were recorded sends [DONE]; before the terminal event it is a stream broken off.
        if (data === '[DONE]') return;
        size += data.length;
        if (size > MAX_STREAM) throw garbled('a stream without end');
        reply.add(parse(data));
        if (!reply.finished) continue;
        const finish = reply.finish();
        yield* reply.take();
        return yield finish;
      }
      yield* reply.take();
    }
  } catch (error) {
    yield* reply.take(); // what came in one chunk with the failure
    throw error instanceof ApiError ? error : connectionFailed(error);
  }
}

function parse(data: string): JsonObject {
  try {
    const event: unknown = JSON.parse(data);
    if (isObject(event)) return event;
  } catch (error) {
    throw garbled(error);
  }
  throw garbled('an event that is no object');
}
