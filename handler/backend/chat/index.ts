import { unsupported } from '../../errors.ts';
import { present } from '../../protocol/json.ts';
import type { Backend, ModelCall } from '../backend.ts';
import { narrowTools } from '../functions/choice.ts';
import { refuseOpenAIOnly, withoutOpenAIOnly } from '../functions/openai-only.ts';
import { responseFormat } from '../functions/response-format.ts';
import { askStrict } from '../functions/strict.ts';
import { type ModelFunction, toModelFunctions } from '../functions/tools.ts';
import { forwardTo } from '../server/forward.ts';
import { listModels } from '../server/listed-models.ts';
import { readReply } from '../server/reply-stream.ts';
import { applyRules, type RequestRules } from '../server/request-rules.ts';
import { type Server, sendingOn } from '../server/server.ts';
import { ServerMemory } from '../server/server-memory.ts';
import { ServerTokenCounter } from '../server/token-count.ts';
import { toldContext } from '../server/told-context.ts';
import { chatCountMethods } from './count.ts';
import { toMessages } from './messages.ts';
import { ChatReply } from './reply.ts';
import { systemFirst } from './system.ts';

/** A backend that speaks Chat Completions: vLLM, llama.cpp, Ollama, OpenAI and most others. Always streams. */
export function chatCompletions(server: Server): Backend {
  const counter = new ServerTokenCounter();
  const memory = new ServerMemory(server);
  return {
    prepare(call, profile) {
      refuseOpenAIOnly(call);
      if (call.reasoning.mode) throw unsupported('reasoning.mode', 'is not supported by this model backend');
      const tools = toModelFunctions(call.tools, call.params, profile.grammars);
      const { model, values } = call;
      const rules = memory.rules(model, profile);
      const request = toRequest(profile.isOpenAI ? call : withoutOpenAIOnly(call), tools, rules, server.id);
      const to = sendingOn(server, values);
      return {
        stream(signal, options) {
          const post = (body: string) => to.send('POST', '/chat/completions', signal, body, options?.trace);
          const open = () => memory.send({ model, profile, request, rules, values }, post);
          const reply = new ChatReply(call, tools, server.id, (member) => memory.spoke(model, member));
          return readReply(open, reply, options);
        },
        countTokens: async (signal) =>
          profile.isOpenAI
            ? undefined
            : counter.first(chatCountMethods(to, applyRules(request, rules, values), signal)),
      };
    },
    forward: (request, profile) => forwardTo(server, request, profile),
    models: (signal) => listModels(server, signal),
    context: (model, signal) => toldContext(server, model, signal),
  };
}

/** The request in the older names, with every member that the call asks for. */
function toRequest(
  call: ModelCall,
  functions: ReadonlyMap<string, ModelFunction>,
  rules: RequestRules,
  server: string,
) {
  const { tools, tool_choice } = narrowTools([...functions.values()], call.tool_choice);
  const messages = toMessages(call.instructions, call.input, server);
  return {
    model: call.model,
    messages: rules.systemMessages === 'first' ? systemFirst(messages) : messages,
    stream: true,
    stream_options: { include_usage: true },
    // A null that a server does not expect is an error on many.
    ...present({
      temperature: call.temperature,
      top_p: call.top_p,
      presence_penalty: call.presence_penalty,
      frequency_penalty: call.frequency_penalty,
      max_tokens: call.max_output_tokens,
      reasoning_effort: call.reasoning.effort,
      verbosity: call.text.verbosity,
      response_format: responseFormat(call.text.format),
      logprobs: call.top_logprobs === null ? null : true,
      top_logprobs: call.top_logprobs,
      ...call.hints,
    }),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => ({
        type: 'function',
        function: rules.strictTools ? askStrict(tool) : tool.definition,
      })),
      tool_choice,
      ...present({ parallel_tool_calls: call.parallel_tool_calls ?? (rules.parallelToolCalls || null) }),
    }),
  };
}
