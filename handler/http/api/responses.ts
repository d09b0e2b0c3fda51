import { CreateRequest } from '../../protocol/request.ts';
import { createResponse } from '../../service/create.ts';
import { lastResponse } from '../../service/feed.ts';
import { sendJson, setHeaders } from '../reply.ts';
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
      const { response, feed, repeated, rateLimits } = created;
      if (repeated) c.header('idempotent-replayed', 'true');
      setHeaders(c, rateLimits);
      if (!feed) return sendJson(c, response);
      if (body.stream) return sendEvents(c, feed, services.limits.keepAlive);
      let whole: unknown;
      try {
        whole = await lastResponse(feed);
      } finally {
        setHeaders(c, feed.rateLimits?.());
      }
      return sendJson(c, whole);
    },
  }),
];
