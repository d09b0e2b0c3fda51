import type { JsonObject } from '../../protocol/json.ts';
import { object, text } from '../server/json-fields.ts';
import type { Server } from '../server/server.ts';
import { ask, type CountMethod, only, tokens } from '../server/token-count.ts';

/** The token count endpoints of Chat Completions servers, exact ones first. */
export function chatCountMethods(
  server: Server,
  request: JsonObject,
  signal: AbortSignal,
): Record<string, CountMethod> {
  const { reasoning_effort, chat_template_kwargs } = request;
  const template = { ...(reasoning_effort !== undefined && { reasoning_effort }), ...object(chat_template_kwargs) };
  return {
    // llama.cpp (11549) takes the request itself.
    async request() {
      const { input_tokens } = await ask(server.send, '/chat/completions/input_tokens', request, signal);
      return tokens(input_tokens);
    },
    // vLLM (0.20.2) has its template's own members apart; llama.cpp answers here as well, without a count.
    async messages() {
      const body = {
        ...only(request, ['model', 'messages', 'tools']),
        add_generation_prompt: true,
        ...(Object.keys(template).length > 0 && { chat_template_kwargs: template }),
      };
      const { count } = await ask(server.sendToRoot, '/tokenize', body, signal);
      return tokens(count);
    },
    // llama.cpp (b11434), in two steps.
    async template() {
      const { prompt } = await ask(server.sendToRoot, '/apply-template', request, signal);
      if (!text(prompt)) return undefined;
      const body = { content: prompt, add_special: true, parse_special: true };
      const { tokens: tokenIds } = await ask(server.sendToRoot, '/tokenize', body, signal);
      return Array.isArray(tokenIds) ? tokenIds.length : undefined;
    },
  };
}
