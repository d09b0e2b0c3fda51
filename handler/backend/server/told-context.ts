import type { JsonObject } from '../../protocol/json.ts';
import { object, objects, text } from './json-fields.ts';
import { contextIn, contextOf } from './listed-models.ts';
import { getJson, readJson, type Server, succeeded } from './server.ts';
import { serverOwning } from './servers.ts';

/** The context of a model in tokens, where an OpenAI-like server tells it; undefined where it does not. */
export async function toldContext(server: Server, model: string, signal: AbortSignal): Promise<number | undefined> {
  const entries = objects((await getJson(server, '/models', signal)).data);
  // llama.cpp answers to any name with the one model that it has.
  const entry = entries.find(({ id }) => id === model) ?? (entries.length === 1 ? entries[0] : undefined);
  const listed = entry && contextIn(entry);
  if (listed !== undefined) return listed;
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
