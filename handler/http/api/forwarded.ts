import { beforePassedOn } from '../../hooks/pass-on.ts';
import type { Endpoint } from '../../neighbours/forwarded/endpoint.ts';
import { endpoints } from '../../neighbours/forwarded/endpoints.ts';
import { type ForwardInput, forward } from '../../neighbours/forwarded/forward.ts';
import { refuseMediaIn } from '../../neighbours/forwarded/media-urls.ts';
import { readModelForm } from '../../neighbours/forwarded/multipart.ts';
import { textIn } from '../../neighbours/forwarded/text-in.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { readForm } from '../body.ts';
import { sendOn } from '../passed-on.ts';
import { type Route, type RouteCall, route } from '../route.ts';
import { answerChat, isTranslated } from './translated-chat.ts';

/** What all of them have in common: how a request is passed on. */
function passOn({ c, services, ctx }: RouteCall<string, undefined, unknown>, endpoint: Endpoint) {
  return async (input: ForwardInput): Promise<Response> =>
    sendOn(c, await forward(services, ctx, endpoint, input), services.limits.keepAlive);
}

/** The route of an API whose requests are passed on. */
function forwardedRoute(endpoint: Endpoint): Route {
  const { path, operationId, summary, schema, replies } = endpoint;
  const row = { method: 'POST', path: `/v1${path}`, operationId, summary, reply: replies } as const;
  if (schema === 'form')
    return route({
      ...row,
      request: { form: FORM },
      async handle(call) {
        const type = call.c.req.header('content-type') ?? '';
        const { model, bytesFor } = readModelForm(await readForm(call.c, call.services), type);
        await beforePassedOn(call.services, call.ctx.caller, { path: row.path, model, body: undefined });
        return passOn(call, endpoint)({ model, body: { type, bytesFor }, text: () => '' });
      },
    });
  return route({
    ...row,
    request: { body: schema },
    async handle(call) {
      const body = call.body as JsonObject & { model: string }; // as every schema of an endpoint has it
      const { model } = body;
      if (endpoint.isChat && isTranslated(call.services, model)) return answerChat(call, body);
      const seen = await beforePassedOn(call.services, call.ctx.caller, { path: row.path, model, body }, schema);
      const json = seen ?? body;
      refuseMediaIn(json, call.services.findMedia);
      const session = endpoint.sessionOf?.(json);
      return passOn(call, endpoint)({ model, body: { json }, text: () => textIn(json), session });
    },
  });
}

const FORM = {
  type: 'object',
  required: ['model', 'file'],
  properties: {
    model: { type: 'string', description: 'The model that is asked.' },
    file: { description: 'What was said, as a file.' },
  },
};

/** All of them. */
export const forwarded: Route[] = endpoints.map(forwardedRoute);
