import type { Context } from 'hono';
import type { Scope } from '../caller.ts';
import { checkCreate } from '../service/check-create.ts';
import { type RequestContext, requireScope } from '../service/context.ts';
import type { Services } from '../service/services.ts';
import { type Checked, check, type Schema } from '../validate.ts';
import { readJson } from './body.ts';
import { contextOf, type Env } from './env.ts';
import { readQuery } from './query.ts';

/** The header that names the hosted tools that were left out of a request. */
export const DROPPED_TOOLS = 'x-antiphon-dropped-tools';

/** One method of one path: the app serves it, and the OpenAPI document describes it. */
export interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the base path, as OpenAPI writes it: `/v1/responses/{id}`. */
  path: string;
  operationId: string;
  summary: string;
  request?: RouteRequest | undefined;
  /** What its caller has to be allowed; `anybody` is not even asked who he is. Default: to read for GET, else to write. */
  scope?: Scope | 'anybody';
  /** The reply by media type: a schema, or its name in the document. */
  reply: Readonly<Record<string, string | object>>;
  /** The name of its errors in the document. Default: those of the Responses API. */
  error?: string;
  /** Throws an ApiError for what is wrong. */
  handle(c: Context<Env>, services: Services): Response | Promise<Response>;
}

/** The request of a route, beside its path. */
export interface RouteRequest<Q extends Schema | undefined = Schema | undefined, B = Schema | undefined> {
  headers?: Readonly<Record<string, { description: string; schema: object; required?: boolean }>>;
  query?: Q;
  body?: B;
  /** The schema of a body that is a form, which its route reads itself. */
  form?: object;
  /** Whether the body may be missing; it is then an empty object. */
  optional?: boolean;
  /** Whether the body is read as a create: its foreign members, items and tools are checked before anything else. */
  create?: boolean;
}

/** The arguments of a route's handler: a request that was read and checked. */
export interface RouteCall<P extends string, Q, B> {
  c: Context<Env>;
  services: Services;
  ctx: RequestContext;
  params: ParamsOf<P>;
  query: Q;
  body: B;
}

/** The parts of a path that its braces name. */
type ParamsOf<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? { [N in Name]: string } & ParamsOf<Rest>
  : unknown;

/** A route whose request is read and checked by the schemas that describe it. */
export function route<
  P extends string,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
>(
  row: Omit<Route, 'path' | 'scope' | 'request' | 'handle'> & {
    path: P;
    scope?: Scope;
    request?: RouteRequest<Q, B>;
    handle(call: RouteCall<P, Checked<Q>, Checked<B>>): Response | Promise<Response>;
  },
): Route {
  const { query, body, optional, create }: RouteRequest<Q, B> = row.request ?? {};
  return {
    ...row,
    async handle(c, services) {
      const ctx = contextOf(c, services);
      requireScope(ctx.caller, row.scope ?? (row.method === 'GET' ? 'read' : 'write'));
      const checkedQuery = query && check(query, readQuery(c));
      const rawBody = body && (await readJson(c, services, optional ? {} : undefined));
      const given = rawBody && create ? checkCreate(rawBody, services.limits) : rawBody;
      const input = {
        params: c.req.param() as ParamsOf<P>, // by the names in its path, all of which have to be there
        query: checkedQuery as Checked<Q>, // undefined where there is no schema, as the type has it
        body: (body && check(body, given)) as Checked<B>, // the same
      };
      const reply = await row.handle({ c, services, ctx, ...input });
      if (ctx.log.leftOut.length > 0) reply.headers.set(DROPPED_TOOLS, ctx.log.leftOut.join(', '));
      return reply;
    },
  };
}

/** The `reply` of a route that answers JSON by a schema of this name. */
export function json(name: string): Route['reply'] {
  return { 'application/json': name };
}
