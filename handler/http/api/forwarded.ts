import type { Endpoint } from '../../neighbours/forwarded/endpoint.ts';
import { endpoints } from '../../neighbours/forwarded/endpoints.ts';
import { forward } from '../../neighbours/forwarded/forward.ts';
import { refuseMediaIn } from '../../neighbours/forwarded/media-urls.ts';
import { textIn } from '../../neighbours/forwarded/text-in.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { sendOn } from '../passed-on.ts';
import { type Route, route } from '../route.ts';

/** The route of an API whose requests are JSON that is passed on. */
function forwardedRoute(endpoint: Endpoint): Route {
  const { path, operationId, summary, schema, replies } = endpoint;
  return route({
    method: 'POST',
    path: `/v1${path}`,
    operationId,
    summary,
    request: { body: schema },
    reply: replies,
    async handle({ c, services, ctx, body }) {
      const json = body as JsonObject & { model: string }; // as every schema of an endpoint has it
      refuseMediaIn(json, services.findMedia);
      const reply = await forward(services, ctx, endpoint, {
        model: json.model,
        body: { json },
        text: () => textIn(json),
        session: endpoint.sessionOf?.(json),
      });
      return sendOn(c, reply, services.limits.keepAlive);
    },
  });
}

/** All of them. */
export const forwarded: Route[] = endpoints.map(forwardedRoute);
