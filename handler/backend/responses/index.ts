import type { Backend, BackendEvent, ModelCall } from '../backend.ts';
import { type Grammars, toChatTools } from '../functions/tools.ts';
import { failureOf } from '../server/failure.ts';
import { readReply } from '../server/reply-stream.ts';
import { listModels, type Server } from '../server/server.ts';
import { ask, OwnCount, only, tokens } from '../server/token-count.ts';
import { markAsync } from './async-calls.ts';
import { ResponsesReply } from './reply.ts';
import { toOpenAIsRequest, toOthersRequest } from './request.ts';

/** What of a request `POST /responses/input_tokens` takes; OpenAI's refuses the rest. */
const COUNTED = [
  ...['model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'text', 'reasoning'],
  'response_format',
];

/** A backend that speaks the Responses API itself: OpenAI, vLLM, llama.cpp, Ollama. Streams always, and stores nothing. */
export function responses(server: Server, grammars?: Grammars): Backend {
  const prepare = (call: ModelCall) => {
    if (server.isOpenAI) return { request: toOpenAIsRequest(call), tools: new Map() };
    const tools = toChatTools(call.tools, call.params, grammars);
    return { request: toOthersRequest(call, tools), tools };
  };
  const own = new OwnCount();
  return {
    generate(call, signal) {
      const { request, tools } = prepare(call);
      const reply = new ResponsesReply(call, server, tools);
      return markAsync(stream(server, JSON.stringify(request), reply, signal), call.tools);
    },
    async countTokens(call, signal, personality) {
      const styled = server.isOpenAI && personality != null ? { personality } : {};
      const request = { ...only(prepare(call).request, COUNTED), ...styled };
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
