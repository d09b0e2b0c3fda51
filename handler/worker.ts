import initBrotli, * as brotli from '../node_modules/brotli-wasm/pkg.web/brotli_wasm.js';
import brotliWasm from '../node_modules/brotli-wasm/pkg.web/brotli_wasm_bg.wasm';
import { type D1Binding, d1Database } from './database/d1.ts';
import { migrate } from './database/schema.ts';
import {
  configureLog,
  createHandler,
  describe,
  environmentModels,
  fetchTransport,
  type Handler,
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
  /** The D1 database of responses and conversations. */
  DB: D1Binding;
  ANTIPHON_CONFIG?: string;
  LOG_LEVEL?: Level;
  OPENAI_BASE_URL?: string;
  OPENAI_API_KEY?: string;
}

/** As much of a Workers' context as is used. */
interface Context {
  waitUntil(work: Promise<unknown>): void;
}

let opening: Promise<Handler> | undefined;

/** The handler that all requests of this isolate share; the first one brings the schema to the newest. */
async function opened(bindings: Bindings): Promise<Handler> {
  opening ??= open(bindings);
  try {
    return await opening;
  } catch (error) {
    opening = undefined;
    throw error;
  }
}

export default {
  /** Answers one request; a wrong configuration is a 500 whose reason only the log holds. */
  async fetch(request: Request, bindings: Bindings, context: Context): Promise<Response> {
    try {
      const handler = await opened(bindings);
      return handler.fetch(request, { name: 'workers', waitUntil: (work) => context.waitUntil(work) });
    } catch (error) {
      log.error('cannot start', { error: describe(error) });
      const message = 'The server is not configured as it should be; its log says more.';
      return Response.json({ error: { message, type: 'server_error', code: 500, param: null } }, { status: 500 });
    }
  },

  /** Removes what has expired, as often as `wrangler.toml` says. */
  async scheduled(_event: unknown, bindings: Bindings): Promise<void> {
    const handler = await opened(bindings);
    await handler.sweep();
  },
};

async function open(bindings: Bindings): Promise<Handler> {
  configureLog(bindings.LOG_LEVEL ?? 'info', (line) => console.log(line.trimEnd()));
  await initBrotli(brotliWasm);
  const config = parseConfig(substitute(JSON.parse(bindings.ANTIPHON_CONFIG ?? '{}'), { ...bindings }));
  if (config.database) throw new Error('configuration: database: on Workers it is the binding DB');
  const database = d1Database(bindings.DB);
  await migrate(database);
  return createHandler({
    config: { ...config, models: config.models ?? environmentModels({ ...bindings }) },
    transport: fetchTransport(fetch),
    database,
    brotli,
  });
}
