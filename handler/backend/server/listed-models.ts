import type { JsonObject } from '../../protocol/json.ts';
import type { OfferedModel } from '../backend.ts';
import { object, objects } from './json-fields.ts';
import { getJson, type Server } from './server.ts';
import { tokens } from './token-count.ts';

/** Where an entry of `GET /models` has the context of its model. */
const MEMBERS: readonly (readonly [name: string, inner?: string])[] = [
  ['max_model_len'], // vLLM, SGLang: https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/models/protocol.py
  ['meta', 'n_ctx'], // llama.cpp: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
  ['context_length'], // OpenRouter: https://openrouter.ai/docs/api-reference/list-available-models
  ['context_window'], // Groq: https://console.groq.com/docs/models
  ['max_context_length'], // Mistral: https://docs.mistral.ai/api
];

/** The models that the server's `GET /models` lists; none of a deployment, which is not asked. */
export async function listModels(server: Server, signal: AbortSignal): Promise<OfferedModel[]> {
  if (server.isDeployment) return [];
  return modelsIn(await getJson(server, '/models', signal));
}

/** The models of a list. */
export function modelsIn(list: JsonObject): OfferedModel[] {
  return objects(list.data).flatMap((entry) => {
    const { id } = entry;
    return typeof id === 'string' ? [{ id, context: contextIn(entry), inputs: inputsIn(entry) }] : [];
  });
}

/** The context of a model, where its entry in the list tells it. */
export function contextIn(entry: JsonObject): number | undefined {
  for (const [name, inner] of MEMBERS) {
    const context = contextOf(inner === undefined ? entry[name] : object(entry[name])[inner]);
    if (context !== undefined) return context;
  }
  return undefined;
}

/** A context that a call can be made for; servers that do not know it say 0. */
export function contextOf(value: unknown): number | undefined {
  return tokens(value) || undefined;
}

/**
 * What a model takes, where its entry in the list tells it: `architecture.input_modalities` of OpenRouter
 * (https://openrouter.ai/docs/api-reference/list-available-models), `capabilities.vision` of Mistral (https://docs.mistral.ai/api).
 */
function inputsIn({ architecture, capabilities }: JsonObject): string[] | undefined {
  const { input_modalities: told } = object(architecture);
  if (Array.isArray(told)) return told.filter((name) => typeof name === 'string' && /^[a-z]{1,32}$/.test(name));
  const { vision } = object(capabilities);
  return typeof vision === 'boolean' ? ['text', ...(vision ? ['image'] : [])] : undefined;
}
