import { embeddings } from '../../neighbours/forwarded/embeddings.ts';
import type { Endpoint } from '../../neighbours/forwarded/endpoint.ts';
import { forward } from '../../neighbours/forwarded/forward.ts';
import { refuseMediaIn } from '../../neighbours/forwarded/media-urls.ts';
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
      const size = Number(c.req.header('content-length')) || JSON.stringify(json).length;
      const reply = await forward(services, ctx, endpoint, { model: json.model, body: { json }, size });
      return sendOn(c, reply, services.limits.keepAlive);
    },
  });
}

/** All of them. */
export const forwarded: Route[] = [embeddings].map(forwardedRoute);
