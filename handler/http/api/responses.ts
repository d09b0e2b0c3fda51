import { CreateRequest } from '../../protocol/request.ts';
import { createResponse } from '../../service/create.ts';
import { lastResponse } from '../../service/feed.ts';
import { sendJson } from '../reply.ts';
import { type Route, route } from '../route.ts';
import { sendEvents } from '../stream.ts';

const IDEMPOTENCY_KEY = {
  description:
    'a create that is sent again under its key is not run again, and gets the response that the first one got',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]*$' },
};

/** Creating responses. */
export const responses: Route[] = [
  route({
    method: 'POST',
    path: '/v1/responses',
    operationId: 'createResponse',
    summary: 'Create a response',
    request: { headers: { 'Idempotency-Key': IDEMPOTENCY_KEY }, body: CreateRequest, create: true },
    reply: { 'application/json': 'Response', 'text/event-stream': 'ResponseEvent' },
    async handle({ c, services, ctx, body }) {
      const created = await createResponse(services, ctx, body, c.req.header('idempotency-key'));
      const { response, feed, repeated } = created;
      if (repeated) c.header('idempotent-replayed', 'true');
      if (!feed) return sendJson(c, response);
      if (body.stream) return sendEvents(c, feed, services.limits.keepAlive);
      const whole = await lastResponse(feed);
      for (const [name, value] of Object.entries(feed.rateLimits?.() ?? {})) c.header(name, value);
      return sendJson(c, whole);
    },
  }),
];
