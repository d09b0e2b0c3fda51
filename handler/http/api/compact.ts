import { CompactRequest } from '../../protocol/compact.ts';
import { compactConversation } from '../../service/compact.ts';
import { sendJson, setHeaders } from '../reply.ts';
import { json, type Route, route } from '../route.ts';

/** Compaction by itself. */
export const compact: Route[] = [
  route({
    method: 'POST',
    path: '/v1/responses/compact',
    operationId: 'compactConversation',
    summary: 'Compact a conversation',
    request: { body: CompactRequest, create: true },
    reply: json('CompactedResponse'),
    async handle({ c, services, ctx, body }) {
      const { compacted, rateLimits } = await compactConversation(services, ctx, body);
      setHeaders(c, rateLimits);
      return sendJson(c, compacted);
    },
  }),
];
