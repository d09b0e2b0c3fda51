import { ApiError } from '../../errors.ts';
import { ListQuery, ResponseListQuery, StreamQuery } from '../../protocol/list.ts';
import { cancelResponse, checkFollowed, followResponse, removeResponse } from '../../service/background.ts';
import { findResponses } from '../../service/lists.ts';
import { getResponse, listInputItems } from '../../state/responses.ts';
import { sendJson } from '../reply.ts';
import { json, type Route, route } from '../route.ts';
import { sendEvents } from '../stream.ts';

const ONE = '/v1/responses/{id}';

/** Stored responses. */
export const stored: Route[] = [
  route({
    method: 'GET',
    path: '/v1/responses',
    operationId: 'listResponses',
    summary: 'List responses',
    request: { query: ResponseListQuery },
    reply: json('ResponseList'),
    async handle({ c, services, ctx, query }) {
      // Else a client of WebSockets would take the list for the answer of a server that has none.
      if (c.req.header('sec-websocket-key')) {
        throw new ApiError(
          'no_websocket',
          'This is a handshake without its upgrade: a proxy in between has no WebSockets.',
        );
      }
      return sendJson(c, await findResponses(services, ctx, query));
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    operationId: 'getResponse',
    summary: 'Get a response',
    request: { query: StreamQuery },
    reply: { 'application/json': 'Response', 'text/event-stream': 'ResponseEvent' },
    async handle({ c, services, ctx, params, query }) {
      const response = await getResponse(ctx.store, params.id);
      if (query.stream !== 'true') {
        if (query.starting_after === undefined) return sendJson(c, response);
        throw new ApiError('invalid_value', 'starting_after needs stream=true', { param: 'starting_after' });
      }
      await checkFollowed(ctx, response);
      const stream_options = { include_obfuscation: query.include_obfuscation === 'true' };
      const feed = followResponse(services, ctx, response, { stream_options }, query.starting_after);
      return sendEvents(c, feed, services.limits.keepAlive);
    },
  }),
  route({
    method: 'DELETE',
    path: ONE,
    operationId: 'deleteResponse',
    summary: 'Delete a response',
    reply: json('Deleted'),
    async handle({ c, services, ctx, params: { id } }) {
      await removeResponse(services, ctx, id);
      return c.json({ id, object: 'response', deleted: true });
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/cancel`,
    operationId: 'cancelResponse',
    summary: 'Cancel a response',
    reply: json('Response'),
    handle: async ({ c, services, ctx, params }) => sendJson(c, await cancelResponse(services, ctx, params.id)),
  }),
  route({
    method: 'GET',
    path: `${ONE}/input_items`,
    operationId: 'listInputItems',
    summary: 'List input items',
    request: { query: ListQuery },
    reply: json('ItemList'),
    handle: async ({ c, ctx, params, query }) => sendJson(c, await listInputItems(ctx.store, params.id, query)),
  }),
];
