import type { Backend } from '../backend.ts';
import { type ModelFunction, toModelFunctions } from '../functions/tools.ts';
import { listModels } from '../server/listed-models.ts';
import { readReply } from '../server/reply-stream.ts';
import { applyRules } from '../server/request-rules.ts';
import { type Server, sendingOn } from '../server/server.ts';
import { ServerMemory } from '../server/server-memory.ts';
import { ask, only, ServerTokenCounter, tokens } from '../server/token-count.ts';
import { toldContext } from '../server/told-context.ts';
import { markAsync } from './async-calls.ts';
import { ResponsesReply } from './reply.ts';
import { toOpenAIsRequest, toOthersRequest } from './request.ts';

/** The request members that `POST /responses/input_tokens` takes; OpenAI's refuses others. */
const COUNTED_MEMBERS = [
  ...['model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'text', 'reasoning'],
  'response_format',
];

/** A backend that speaks the Responses API itself: OpenAI, vLLM, llama.cpp, Ollama. Streams always, and stores nothing. */
export function responses(server: Server): Backend {
  const counter = new ServerTokenCounter();
  const memory = new ServerMemory(server);
  return {
    prepare(call, profile) {
      const { isOpenAI, grammars } = profile;
      const tools: Map<string, ModelFunction> = isOpenAI
        ? new Map()
        : toModelFunctions(call.tools, call.params, grammars);
      const { model, values } = call;
      const rules = memory.rules(model, profile);
      const request = isOpenAI ? toOpenAIsRequest(call) : toOthersRequest(call, tools, rules, server.id);
      const to = sendingOn(server, values);
      return {
        stream(signal, options) {
          const reply = new ResponsesReply(call, profile, tools, server.id);
          const post = (body: string) => to.send('POST', '/responses', signal, body, options?.trace);
          const open = () => memory.send({ model, profile, request, rules, values }, post);
          return markAsync(readReply(open, reply, options), call.tools);
        },
        async countTokens(signal, personality) {
          const counted = {
            ...only(applyRules(request, rules, values), COUNTED_MEMBERS),
            ...(isOpenAI && personality != null && { personality }),
          };
          const count = async () =>
            tokens((await ask(to.send, '/responses/input_tokens', counted, signal)).input_tokens);
          return counter.first({ count });
        },
      };
    },
    models: (signal) => listModels(server, signal),
    context: (model, signal) => toldContext(server, model, signal),
  };
}
