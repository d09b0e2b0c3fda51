import { unsupported } from '../../errors.ts';
import { present } from '../../protocol/json.ts';
import type { Backend, ModelCall } from '../backend.ts';
import { callFormat } from '../functions/call-schema.ts';
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
import { WrittenCallReply } from './written-call.ts';

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
      const ruled = () => {
        const rules = memory.rules(model, profile);
        const asked = profile.isOpenAI ? call : withoutOpenAIOnly(call);
        return { model, profile, values, rules, ...toRequest(asked, tools, rules, server.id) };
      };
      const first = ruled();
      const to = sendingOn(server, values);
      return {
        stream(signal, options) {
          const post = (body: string) => to.send('POST', '/chat/completions', signal, body, options?.trace);
          const reply = new ChatReply(call, tools, server.id, (member) => memory.spoke(model, member));
          if (first.mayCall.length === 0) return readReply(() => memory.send(first, post), reply, options);
          const written = new WrittenCallReply(reply);
          const open = async () => {
            if (first.mustCall) await memory.known(profile, signal); // how the call is asked for depends on it
            const upstream = await memory.send(first.mustCall ? ruled() : first, post);
            if (memory.rules(model, profile).writtenCalls) written.expect(first.mayCall);
            return upstream;
          };
          return readReply(open, written, options);
        },
        countTokens: async (signal) =>
          profile.isOpenAI
            ? undefined
            : counter.first(chatCountMethods(to, applyRules(first.request, first.rules, values), signal)),
      };
    },
    forward: (request, profile) => forwardTo(server, request, profile),
    models: (signal) => listModels(server, signal),
    context: (model, signal) => toldContext(server, model, signal),
  };
}

/**
 * The request in the older names, with every member that the call asks for; whether the model has to call a function, and the names of those
 * that a text of its may call. One that writes its call reads all functions, as in the next request, so that the server has read them already.
 */
function toRequest(
  call: ModelCall,
  functions: ReadonlyMap<string, ModelFunction>,
  rules: RequestRules,
  server: string,
) {
  const chosen = narrowTools([...functions.values()], call.tool_choice);
  const { tool_choice } = chosen;
  const mustCall = tool_choice === 'required' && chosen.tools.length > 0;
  const writes = mustCall && rules.writtenCalls ? chosen.tools : undefined;
  const tools = writes ? [...functions.values()] : chosen.tools;
  const messages = toMessages(call.instructions, call.input, server);
  const request = {
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
      response_format: responseFormat(writes ? callFormat(writes) : call.text.format),
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
  const isText = mustCall || (call.text.format.type === 'text' && call.top_logprobs === null);
  const mayCall = isText && chosen.tools.length > 0 ? chosen.tools.map(({ definition }) => definition.name) : [];
  return { request, mustCall, mayCall };
}
