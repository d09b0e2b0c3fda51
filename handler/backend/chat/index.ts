import { unsupported } from '../../errors.ts';
import { present } from '../../protocol/json.ts';
import type { Backend, ModelCall, ServerProfile } from '../backend.ts';
import { narrowTools } from '../functions/choice.ts';
import { refuseOpenAIOnly, withoutOpenAIOnly } from '../functions/openai-only.ts';
import { responseFormat } from '../functions/response-format.ts';
import { type ModelFunction, toModelFunctions } from '../functions/tools.ts';
import { readReply } from '../server/reply-stream.ts';
import { listModels, type Server, succeeded } from '../server/server.ts';
import { ServerTokenCounter } from '../server/token-count.ts';
import { chatCountMethods } from './count.ts';
import { toMessages } from './messages.ts';
import { ChatReply } from './reply.ts';

/** A backend that speaks Chat Completions: vLLM, llama.cpp, Ollama, OpenAI and most others. Always streams. */
export function chatCompletions(server: Server): Backend {
  const counter = new ServerTokenCounter();
  return {
    prepare(call, profile) {
      refuseOpenAIOnly(call);
      if (call.reasoning.mode) throw unsupported('reasoning.mode', 'is not supported by this model backend');
      const tools = toModelFunctions(call.tools, call.params, profile.grammars);
      const request = toRequest(profile.isOpenAI ? call : withoutOpenAIOnly(call), tools, profile);
      return {
        stream(signal, options) {
          const open = () => succeeded(server.send('POST', '/chat/completions', signal, JSON.stringify(request)));
          return readReply(open, new ChatReply(call, tools), options);
        },
        countTokens: async (signal) =>
          profile.isOpenAI ? undefined : counter.first(chatCountMethods(server, request, signal)),
      };
    },
    models: (signal) => listModels(server, signal),
  };
}

function toRequest(call: ModelCall, functions: ReadonlyMap<string, ModelFunction>, { isOpenAI }: ServerProfile) {
  const { tools, tool_choice } = narrowTools([...functions.values()], call.tool_choice);
  const { hints } = call;
  return {
    model: call.model,
    messages: toMessages(call.instructions, call.input, !isOpenAI),
    stream: true,
    stream_options: { include_usage: true },
    // A null that a server does not expect is an error on many.
    ...present({
      temperature: call.temperature,
      top_p: call.top_p,
      presence_penalty: call.presence_penalty,
      frequency_penalty: call.frequency_penalty,
      // OpenAI's own models refuse the older name; Ollama and others know only that.
      max_completion_tokens: call.max_output_tokens,
      max_tokens: isOpenAI ? null : call.max_output_tokens,
      reasoning_effort: call.reasoning.effort,
      verbosity: call.text.verbosity,
      response_format: responseFormat(call.text.format),
      logprobs: call.top_logprobs === null ? null : true,
      top_logprobs: call.top_logprobs,
      ...hints,
    }),
    ...(tools.length > 0 && {
      tools: tools.map(({ definition }) => ({ type: 'function', function: definition })),
      tool_choice,
      parallel_tool_calls: call.parallel_tool_calls,
    }),
  };
}
