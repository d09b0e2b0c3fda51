import { type Context, Hono } from 'hono';
import { HOP_HEADER } from '../backend/server/server.ts';
import { styleOf } from '../error-style.ts';
import { ApiError, toApiError } from '../errors.ts';
import { messagesError, speaksMessages } from '../neighbours/messages/errors.ts';
import { auditRequest, type EndedRequest } from '../service/audit-request.ts';
import { beginRequestLog } from '../service/request-log.ts';
import type { Services } from '../service/services.ts';
import { traceHeaders } from '../trace-headers.ts';
import { probes } from './api/probes.ts';
import type { Env } from './env.ts';
import { cors } from './middleware/cors.ts';
import { identify } from './middleware/identify.ts';
import { requireNormalPath } from './middleware/normal-path.ts';
import { refuseRebinding } from './middleware/rebinding.ts';
import { upgrade } from './middleware/upgrade.ts';
import { nearPathOf } from './near-path.ts';
import { routes } from './routes.ts';

/** The app: routes below the base path, middleware, and the error handler. */
export function createApp(services: Services): Hono<Env> {
  const app = new Hono<Env>().basePath(services.basePath);
  // Probes come first, since they are frequent and not logged.
  for (const { path, handle } of probes) app.get(path, (c) => handle(c, services));
  app.use(async (c, next) => {
    const { method } = c.req;
    const header = (name: string) => c.req.header(name);
    const incoming = {
      requestId: header('x-request-id'),
      ingress: c.env,
      method,
      path: c.req.path,
      attributes: services.attributes.read(header),
      telemetry: services.telemetry.current,
      audit: services.audit && ((ended: EndedRequest) => auditRequest(services, c.env, ended)),
      trace: () => c.env.trace ?? traceHeaders(header('traceparent'), header('tracestate')),
    };
    const memory = services.memory.open();
    const log = beginRequestLog(
      incoming,
      () => c.res.status,
      () => memory.close(),
    );
    c.set('log', log);
    c.set('memory', memory);
    c.header('x-request-id', log.requestId);
    if (isForMessages(c, services)) c.header('request-id', log.requestId);
    await next();
    if (!log.streaming || c.error) log.end();
  });
  if (services.origins.length > 0) app.use(cors(services.origins));
  app.use(identify(services, (path) => isOpen(path, services)));
  app.use((c, next) => {
    refuseRebinding(c, services);
    requireNormalPath(c);
    refuseLoop(c);
    return next();
  });

  app.get('/v1/responses', upgrade(services));
  for (const [path, methods] of Map.groupBy(routes, ({ path }) => patternOf(path))) {
    for (const { method, path: route, handle } of methods) {
      app.on(method, path, (c) => {
        c.get('log').route = route;
        return handle(c, services);
      });
    }
    app.all(path, (c) => {
      const allow = methods.map(({ method }) => method).join(', ');
      throw new ApiError('method_not_allowed', `The method ${c.req.method} is not allowed here; allowed: ${allow}.`, {
        headers: { allow },
      });
    });
  }
  app.notFound((c) => {
    if (services.docs && isBrowserAtRoot(c, services.basePath)) return c.redirect(`${services.basePath}/docs`, 302);
    return reply(c, nothingAt(c.req.path, services), services);
  });
  app.onError((error, c) => reply(c, error, services));
  return app;
}

/** The paths that anybody may read. */
const openPaths = new Set(routes.flatMap(({ path, scope }) => (scope === 'anybody' ? [path] : [])));

/** Whether anybody may ask for a path below the base path: one that is open, or `/` where it leads to one. */
function isOpen(path: string, { docs }: Services): boolean {
  return openPaths.has(path) || (docs && (path === '' || path === '/'));
}

/** A route's path as Hono writes it; the name of a model may hold slashes. */
function patternOf(path: string): string {
  return path.replace('{model}', ':model{.+}').replace(/\{(\w+)\}/g, ':$1');
}

const nearPath = nearPathOf(routes.map(({ path }) => path));

/** Whether a browser opens the base path, as who has just started the product does. */
function isBrowserAtRoot({ req }: Context<Env>, basePath: string): boolean {
  const isRoot = req.path === basePath || req.path === `${basePath}/`;
  return isRoot && (req.method === 'GET' || req.method === 'HEAD') && /\btext\/html\b/.test(req.header('accept') ?? '');
}

/** The error for a path where nothing is. It names the path that is meant, if one comes near, and not the client's own words. */
function nothingAt(path: string, { basePath, docs }: Services): ApiError {
  const near = nearPath(path.startsWith(basePath) ? path.slice(basePath.length) : path);
  const whole = docs ? ` ${basePath}/docs has all paths.` : '';
  const hint = near ? ` What comes near is ${basePath}${near}.` : whole;
  return new ApiError('not_found', `There is nothing at this path.${hint}`);
}

function refuseLoop({ req }: Context<Env>): void {
  if (!req.header(HOP_HEADER)) return;
  const message = 'The request has come through this server already: a model backend points back at it.';
  throw new ApiError('server', message, { retry: false });
}

/** Whether a request gets what it gets in the words of Anthropic's API. */
function isForMessages({ req }: Context<Env>, { basePath }: Services): boolean {
  return speaksMessages(req.path.slice(basePath.length), req.raw.headers);
}

function reply(c: Context<Env>, thrown: unknown, services: Services): Response {
  const error = toApiError(thrown);
  const log = c.get('log');
  if (log) log.failure = error;
  const { status, body } = isForMessages(c, services)
    ? messagesError(error, log?.requestId ?? '')
    : error.reply(styleOf(services.errors, c.req.raw.headers));
  // The table's statuses all admit a body, which is all that Hono's type asks for.
  return c.json(body, status as 400, error.headers);
}
