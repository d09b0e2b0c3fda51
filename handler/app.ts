import { type Context, Hono } from 'hono';
import { HOP_HEADER } from './backend/server.ts';
import { ApiError, toApiError } from './errors.ts';
import { cancelResponse } from './routes/background.ts';
import { compactConversation } from './routes/compact.ts';
import {
  changeConversation,
  postConversation,
  postItems,
  removeConversation,
  removeItem,
  retrieveConversation,
  retrieveItem,
  retrieveItems,
} from './routes/conversations.ts';
import { cors } from './routes/cors.ts';
import { startEntry } from './routes/entry.ts';
import type { Env, Services } from './routes/env.ts';
import { countInput } from './routes/input-tokens.ts';
import { listModels } from './routes/models.ts';
import { getDocs, getDocument } from './routes/openapi.ts';
import { getLiveness, readinessRoute } from './routes/probes.ts';
import { refuseRebinding } from './routes/rebinding.ts';
import { createResponse } from './routes/responses.ts';
import { removeResponse, retrieveInputItems, retrieveResponse } from './routes/stored.ts';
import { connect } from './websocket/connect.ts';

/** The routes, what stands before them, and what becomes of errors. */
export function createApp(services: Services): Hono<Env> {
  const app = new Hono<Env>();
  // Before all others: probes come every few seconds, and nobody wants to read of each in the log.
  const probes = { '/livez': { GET: getLiveness }, '/readyz': { GET: readinessRoute(services) } };
  for (const [path, { GET }] of Object.entries(probes)) app.get(path, GET);
  app.use(async (c, next) => {
    const { method } = c.req;
    const incoming = { requestId: c.req.header('x-request-id'), door: c.env.name, method, path: c.req.path };
    const entry = startEntry(incoming, () => c.res.status);
    c.set('entry', entry);
    c.header('x-request-id', entry.requestId);
    await next();
    if (!entry.streaming || c.error) entry.end();
  });
  if (services.origins.length > 0) app.use(cors(services.origins));
  app.use(refuseRebinding(services));
  app.use(async (c, next) => {
    if (c.req.header(HOP_HEADER)) {
      const message = 'The request has come through this server already: a model backend points back at it.';
      throw new ApiError('server', message, { retry: false });
    }
    await next();
  });

  app.get('/v1/responses', connect(services));
  const routes: Record<string, Record<string, (c: Context<Env>) => Response | Promise<Response>>> = {
    '/v1/responses': { POST: (c) => createResponse(c, services) },
    '/v1/responses/compact': { POST: (c) => compactConversation(c, services) },
    '/v1/responses/input_tokens': { POST: (c) => countInput(c, services) },
    '/v1/responses/:id': {
      GET: (c) => retrieveResponse(c, services),
      DELETE: (c) => removeResponse(c, services),
    },
    '/v1/responses/:id/cancel': { POST: (c) => cancelResponse(c, services) },
    '/v1/responses/:id/input_items': { GET: (c) => retrieveInputItems(c, services) },
    '/v1/conversations': { POST: (c) => postConversation(c, services) },
    '/v1/conversations/:id': {
      GET: (c) => retrieveConversation(c, services),
      POST: (c) => changeConversation(c, services),
      DELETE: (c) => removeConversation(c, services),
    },
    '/v1/conversations/:id/items': {
      GET: (c) => retrieveItems(c, services),
      POST: (c) => postItems(c, services),
    },
    '/v1/conversations/:id/items/:item': {
      GET: (c) => retrieveItem(c, services),
      DELETE: (c) => removeItem(c, services),
    },
    '/v1/models': { GET: (c) => listModels(c, services) },
    '/openapi.json': { GET: (c) => getDocument(c, services) },
    '/docs': { GET: (c) => getDocs(c, services) },
    ...probes,
    '/health': { GET: (c) => c.json({ status: 'ok' }) },
  };
  for (const [path, methods] of Object.entries(routes)) {
    for (const [method, handle] of Object.entries(methods)) app.on(method, path, handle);
    app.all(path, () => {
      const allow = Object.keys(methods).join(', ');
      throw new ApiError('method_not_allowed', `The method is not allowed here; allowed: ${allow}.`, {
        headers: { allow },
      });
    });
  }
  app.notFound((c) => reply(c, new ApiError('not_found', 'There is nothing at this path.'), services));
  app.onError((error, c) => reply(c, error, services));
  return app;
}

function reply(c: Context<Env>, thrown: unknown, services: Services): Response {
  const error = toApiError(thrown);
  const { status, body } = error.reply(services.errors);
  const entry = c.get('entry');
  if (entry) entry.failure = error;
  // The table's statuses all admit a body, which is all that Hono's type asks for.
  return c.json(body, status as 400, error.headers);
}
