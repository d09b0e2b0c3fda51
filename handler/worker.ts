import initBrotli, * as brotli from '../node_modules/brotli-wasm/pkg.web/brotli_wasm.js';
import brotliWasm from '../node_modules/brotli-wasm/pkg.web/brotli_wasm_bg.wasm';
import {
  configureLog,
  createHandler,
  describe,
  fetchTransport,
  type Level,
  log,
  parseConfig,
  substitute,
} from './index.ts';

/**
 * What a deployment binds. `ANTIPHON_CONFIG` is the configuration as JSON, with the keys of the YAML file, and may name
 * secrets as `${NAME}`. Without it `OPENAI_BASE_URL` and `OPENAI_API_KEY` are the one backend, else the demo model.
 */
interface Bindings {
  ANTIPHON_CONFIG?: string;
  LOG_LEVEL?: Level;
  OPENAI_BASE_URL?: string;
  OPENAI_API_KEY?: string;
}

type Handler = ReturnType<typeof createHandler>;

let opening: Promise<Handler> | undefined;

export default {
  /** Answers one request; a wrong configuration is a 500 whose reason only the log holds. */
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    try {
      opening ??= open(bindings);
      const handler = await opening;
      return handler.fetch(request);
    } catch (error) {
      opening = undefined;
      log.error('cannot start', { error: describe(error) });
      const message = 'The server is not configured as it should be; its log says more.';
      return Response.json({ error: { message, type: 'server_error', code: 500, param: null } }, { status: 500 });
    }
  },
};

async function open(bindings: Bindings): Promise<Handler> {
  configureLog(bindings.LOG_LEVEL ?? 'info', (line) => console.log(line.trimEnd()));
  await initBrotli(brotliWasm);
  const config = parseConfig(substitute(JSON.parse(bindings.ANTIPHON_CONFIG ?? '{}'), { ...bindings }));
  return createHandler({
    config: { ...config, models: config.models ?? defaultModels(bindings) },
    transport: fetchTransport(fetch),
    brotli,
  });
}

function defaultModels({ OPENAI_BASE_URL: url, OPENAI_API_KEY: key }: Bindings) {
  if (!url) return undefined;
  return [{ match: '*', backend: 'chat' as const, url, ...(key && { key }) }];
}
