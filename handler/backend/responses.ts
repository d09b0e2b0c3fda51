import { markAsync } from './async-calls.ts';
import type { Backend, BackendEvent } from './backend.ts';
import { failureOf } from './failure.ts';
import { ask, OwnCount, only, tokens } from './own-count.ts';
import { readReply } from './read.ts';
import { ResponsesReply } from './responses-reply.ts';
import { toRequest } from './responses-request.ts';
import { listModels, type Server } from './server.ts';

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
): AsyncGenerator<BackendEvent, void> {
  const upstream = await server.send('POST', '/responses', signal, body);
  if (upstream.status !== 200) throw await failureOf(upstream);
  yield* readReply(upstream.body, reply);
}
