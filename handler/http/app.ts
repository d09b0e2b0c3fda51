import { type Context, Hono } from 'hono';
import { HOP_HEADER } from '../backend/server/server.ts';
import { ApiError, toApiError } from '../errors.ts';
import type { RequestContext } from '../service/context.ts';
import { beginRequestLog } from '../service/request-log.ts';
import type { Services } from '../service/services.ts';
import { compactConversation } from './api/compact.ts';
import {
  changeConversation,
  postConversation,
  postItems,
  removeConversation,
  removeItem,
  retrieveConversation,
  retrieveItem,
  retrieveItems,
} from './api/conversations.ts';
import { countInput } from './api/input-tokens.ts';
import { listModels } from './api/models.ts';
import { getLiveness, getReadiness } from './api/probes.ts';
import {
  cancelResponse,
  createResponse,
  removeResponse,
  retrieveInputItems,
  retrieveResponse,
} from './api/responses.ts';
import { contextOf, type Env } from './env.ts';
import { cors } from './middleware/cors.ts';
import { requireNormalPath } from './middleware/normal-path.ts';
import { refuseRebinding } from './middleware/rebinding.ts';
import { upgrade } from './middleware/upgrade.ts';
import { getDocs, getDocument } from './openapi/routes.ts';

/** The routes below the base path, what stands before them, and what becomes of errors. */
export function createApp(services: Services): Hono<Env> {
  const app = new Hono<Env>().basePath(services.basePath);
  // Before all others: probes come every few seconds, and nobody wants to read of each in the log.
  const probes = { '/livez': { GET: getLiveness }, '/readyz': { GET: getReadiness } };
  for (const [path, { GET }] of Object.entries(probes)) app.get(path, (c) => GET(c, services));
  app.use(async (c, next) => {
    const { method } = c.req;
    const incoming = { requestId: c.req.header('x-request-id'), ingress: c.env.name, method, path: c.req.path };
    const memory = services.memory.open();
    const log = beginRequestLog(
      incoming,
      () => c.res.status,
      () => memory.close(),
    );
    c.set('log', log);
    c.set('memory', memory);
    c.header('x-request-id', log.requestId);
    await next();
    if (!log.streaming || c.error) log.end();
  });
  if (services.origins.length > 0) app.use(cors(services.origins));
  app.use(refuseRebinding(services));
  app.use(requireNormalPath);
  app.use(async (c, next) => {
    if (c.req.header(HOP_HEADER)) {
      const message = 'The request has come through this server already: a model backend points back at it.';
      throw new ApiError('server', message, { retry: false });
    }
    await next();
  });

  app.get('/v1/responses', upgrade(services));
  const routes: Record<
    string,
    Record<string, (c: Context<Env>, services: Services, ctx: RequestContext) => Response | Promise<Response>>
  > = {
    '/v1/responses': { POST: createResponse },
    '/v1/responses/compact': { POST: compactConversation },
    '/v1/responses/input_tokens': { POST: countInput },
    '/v1/responses/:id': {
      GET: retrieveResponse,
      DELETE: removeResponse,
    },
    '/v1/responses/:id/cancel': { POST: cancelResponse },
    '/v1/responses/:id/input_items': { GET: retrieveInputItems },
    '/v1/conversations': { POST: postConversation },
    '/v1/conversations/:id': {
      GET: retrieveConversation,
      POST: changeConversation,
      DELETE: removeConversation,
    },
    '/v1/conversations/:id/items': {
      GET: retrieveItems,
      POST: postItems,
    },
    '/v1/conversations/:id/items/:item': {
      GET: retrieveItem,
      DELETE: removeItem,
    },
    '/v1/models': { GET: listModels },
    '/openapi.json': { GET: getDocument },
    '/docs': { GET: getDocs },
    ...probes,
    '/health': { GET: (c) => c.json({ status: 'ok' }) },
  };
  for (const [path, methods] of Object.entries(routes)) {
    for (const [method, handle] of Object.entries(methods)) {
      app.on(method, path, (c) => handle(c, services, contextOf(c, services)));
    }
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

function reply(c: Context<Env>, thrown: unknown, { errors }: Services): Response {
  const error = toApiError(thrown);
  const { status, body } = error.reply(errors);
  const log = c.get('log');
  if (log) log.failure = error;
  // The table's statuses all admit a body, which is all that Hono's type asks for.
  return c.json(body, status as 400, error.headers);
}
