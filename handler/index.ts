import { createApp } from './app.ts';
import type { Backend } from './backend/backend.ts';
import { chatCompletions } from './backend/chat-completions.ts';
import { demo } from './backend/demo.ts';
import { anthropic } from './backend/messages.ts';
import { modelsOf } from './backend/models.ts';
import { responses } from './backend/responses.ts';
import { openServer } from './backend/server.ts';
import type { Transport } from './backend/transport.ts';
import type { Config, ModelConfig } from './config.ts';
import type { Database } from './database/database.ts';
import type { Brotli } from './decompress.ts';
import { demoModels } from './default-models.ts';
import type { Door } from './routes/env.ts';
import { sealWith } from './seal.ts';
import { Owner } from './state/owner.ts';
import { sweep } from './state/sweep.ts';
import type { Tool } from './tool/tool.ts';

export type { Backend, Finish, ModelCall } from './backend/backend.ts';
export { fetchTransport, type Transport, type Upstream } from './backend/transport.ts';
export { type Config, type ModelConfig, parseConfig, substitute } from './config.ts';
export type { Database } from './database/database.ts';
export type { Brotli } from './decompress.ts';
export { demoModels, environmentModels } from './default-models.ts';
export { ApiError } from './errors.ts';
export { configureLog, describe, type Level, log } from './log.ts';
export type { Door } from './routes/env.ts';
export type { Tool } from './tool/tool.ts';

/** What the handler is made from; a root opens and injects what differs between runtimes. */
export interface HandlerOptions {
  config: Config;
  /** The way to model servers. */
  transport: Transport;
  /** Where responses and conversations are kept; its schema is the newest (`migrate`). */
  database: Database;
  /** Without it, `br` is an unknown encoding. */
  brotli?: Brotli | undefined;
  /** Server-side tools, in addition to none. */
  tools?: readonly Tool[];
}

/** The Responses API. */
export interface Handler {
  /** Answers one request. It never throws and never rejects: whatever happens is a Response. */
  fetch(request: Request, door?: Door): Promise<Response>;
  /** Removes what has expired and ends turns that died; to be called now and then, by as many processes as there are. */
  sweep(): Promise<void>;
}

/** Until there is a way to tell clients apart, all are one. */
const TENANT = 'default';

/** Puts the handler together. */
export function createHandler(options: HandlerOptions): Handler {
  const { config, transport, database, brotli, tools = [] } = options;
  const models = (config.models ?? demoModels).map((model) => ({
    match: model.match,
    context: model.context,
    backend: openBackend(model, transport),
  }));
  const owner = new Owner(config.limits.lease);
  const app = createApp({
    models: modelsOf(models),
    tools: {
      registered: new Map(tools.map((tool) => [tool.type, tool])),
      dropped: new Set(config.dropTools),
    },
    limits: config.limits,
    errors: config.errors,
    origins: config.cors.origins,
    brotli,
    prompts: config.prompts,
    seal: sealWith(config.secrets),
    scope: { database, tenant: TENANT, owner, retention: config.retention },
  });
  return {
    fetch: async (request, door = {}) => app.fetch(request, door),
    sweep: () => sweep(database, owner, Date.now()),
  };
}

function openBackend(model: ModelConfig, transport: Transport): Backend {
  if (model.backend === 'demo' || model.url === undefined) return demo;
  if (model.backend === 'anthropic') return anthropic(model.url, model, transport);
  const server = openServer(model.url, model.key, transport);
  return model.backend === 'responses' ? responses(server) : chatCompletions(server, model.grammars);
}
