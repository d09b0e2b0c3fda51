import type { JsonObject } from '../../protocol/json.ts';
import { object, objects, text } from './json-fields.ts';
import { getJson, readJson, type Server, succeeded } from './server.ts';
import { serverOwning } from './servers.ts';
import { tokens } from './token-count.ts';

/** Where an entry of `GET /models` has the context of its model. */
const MEMBERS: readonly (readonly [name: string, inner?: string])[] = [
  ['max_model_len'], // vLLM, SGLang: https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/models/protocol.py
  ['meta', 'n_ctx'], // llama.cpp: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
  ['context_length'], // OpenRouter: https://openrouter.ai/docs/api-reference/list-available-models
  ['context_window'], // Groq: https://console.groq.com/docs/models
  ['max_context_length'], // Mistral: https://docs.mistral.ai/api
];

/** The context of a model in tokens, where an OpenAI-like server tells it; undefined where it does not. */
export async function toldContext(server: Server, model: string, signal: AbortSignal): Promise<number | undefined> {
  const entries = objects((await getJson(server, '/models', signal)).data);
  // llama.cpp answers to any name with the one model that it has.
  const entry = entries.find(({ id }) => id === model) ?? (entries.length === 1 ? entries[0] : undefined);
  for (const [name, inner] of MEMBERS) {
    const context = contextOf(inner === undefined ? entry?.[name] : object(entry?.[name])[inner]);
    if (context !== undefined) return context;
  }
  return serverOwning(entry?.owned_by) === 'ollama' ? shownByOllama(server, model, signal) : undefined;
}

/**
 * What Ollama cuts inputs to, silently, where the model's file says it; else the most that the model has:
 * https://github.com/ollama/ollama/blob/main/docs/api.md#show-model-information
 */
async function shownByOllama(server: Server, model: string, signal: AbortSignal): Promise<number | undefined> {
  const body = JSON.stringify({ model });
  const shown: JsonObject = await readJson(await succeeded(server.sendToRoot('POST', '/api/show', signal, body)));
  const [, set] = /^num_ctx\s+(\d+)/m.exec(text(shown.parameters)) ?? [];
  if (set !== undefined) return contextOf(Number(set));
  const [, most] = Object.entries(object(shown.model_info)).find(([name]) => name.endsWith('.context_length')) ?? [];
  return contextOf(most);
}

/** A context that a call can be made for; servers that do not know it say 0. */
function contextOf(value: unknown): number | undefined {
  return tokens(value) || undefined;
}
