import { UsagePageQuery } from '../../protocol/usage.ts';
import { findUsage } from '../../service/usage.ts';
import { sendJson } from '../reply.ts';
import { json, type Route, route } from '../route.ts';

/** What turns have used. */
export const usage: Route[] = [
  route({
    method: 'GET',
    path: '/v1/usage',
    operationId: 'getUsage',
    summary: 'Get usage',
    request: { query: UsagePageQuery },
    reply: json('UsagePage'),
    handle: async ({ c, services, ctx, query }) => sendJson(c, await findUsage(services, ctx, query)),
  }),
];
