import OpenAI from 'openai';

/** The server under test, as the environment names it. */
export interface Target {
  /** Its base URL, such as `http://127.0.0.1:8000/v1`. */
  url: string;
  key: string | undefined;
  model: string;
  /** How many tokens the model reads and writes at most, where the server says so. */
  window: number | undefined;
  /** How many tokens an answer may have: enough for a call after some reasoning, and several answers fit the window. */
  tokens: number;
  /** The official client, asking the server itself. */
  client: OpenAI;
}

/** What to say where no server is named. */
export const NO_TARGET =
  'no server is named: MODEL_URL=http://127.0.0.1:8000/v1 [MODEL=name] [MODEL_KEY=key] [BACKENDS=chat,responses] npm run test:model';

/** The server that `MODEL_URL` names, undefined when it names none; throws an Error when that cannot be reached. */
export async function findTarget(env: NodeJS.ProcessEnv): Promise<Target | undefined> {
  const url = env.MODEL_URL?.replace(/\/+$/, '');
  if (!url) return undefined;
  const key = env.MODEL_KEY || undefined;
  const client = new OpenAI({ baseURL: url, apiKey: key ?? 'none', maxRetries: 0 });
  const models = await client.models.list().catch((error: Error) => {
    throw new Error(`MODEL_URL: ${url}/models gives no list of models: ${error.message}`, { cause: error });
  });
  const model = env.MODEL || models.data[0]?.id;
  if (!model) throw new Error(`${url} lists no model: name one in MODEL`);
  const listed = models.data.find(({ id }) => id === model);
  const window = listed && windowOf(listed);
  const tokens = Math.min(768, Math.floor((window ?? 8192) / 4));
  return { url, key, model, window, tokens, client };
}

/** vLLM and SGLang say `max_model_len`, llama.cpp `meta.n_ctx`; the others say nothing. */
function windowOf(listed: object): number | undefined {
  const { max_model_len, meta } = listed as { max_model_len?: unknown; meta?: { n_ctx?: unknown } }; // not in OpenAI's type
  const said = max_model_len ?? meta?.n_ctx;
  return typeof said === 'number' && said > 0 ? said : undefined;
}
