import type { Context } from 'hono';
import { ApiError } from '../../errors.ts';
import { StreamQuery } from '../../protocol/list.ts';
import { CreateRequest } from '../../protocol/request.ts';
import * as background from '../../service/background.ts';
import type { RequestContext } from '../../service/context.ts';
import * as create from '../../service/create.ts';
import { lastResponse } from '../../service/feed.ts';
import { checkLengths } from '../../service/lengths.ts';
import type { Services } from '../../service/services.ts';
import { getResponse, listInputItems } from '../../state/responses.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import type { Env } from '../env.ts';
import { checkInclude, pathId, readListQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import { sendEvents } from '../stream.ts';

/**
 * `POST /v1/responses`: runs one turn, and replies with its events or with the response that they make. What was asked
 * before under the same key is not run again.
 */
export async function createResponse(c: Context<Env>, services: Services, ctx: RequestContext): Promise<Response> {
  const { limits } = services;
  const sent = check(CreateRequest, checkLengths(await readJson(c, services), limits));
  const { response, feed, repeated } = await create.createResponse(
    services,
    ctx,
    sent,
    c.req.header('idempotency-key'),
  );
  if (repeated) c.header('idempotent-replayed', 'true');
  if (!feed) return sendJson(c, response);
  return sent.stream ? sendEvents(c, feed, limits.keepAlive) : sendJson(c, await lastResponse(feed));
}

/** `GET /v1/responses/{id}`: the response, or with `stream=true` the events of one that was made in the background. */
export async function retrieveResponse(c: Context<Env>, services: Services, ctx: RequestContext): Promise<Response> {
  checkInclude(c);
  const query = check(StreamQuery, c.req.query());
  const response = await getResponse(ctx.store, pathId(c, 'id'));
  if (query.stream !== 'true') {
    if (query.starting_after === undefined) return sendJson(c, response);
    throw new ApiError('invalid_value', 'starting_after needs stream=true', { param: 'starting_after' });
  }
  await background.checkFollowed(ctx, response);
  const stream_options = { include_obfuscation: query.include_obfuscation === 'true' };
  const feed = background.followResponse(services, ctx, response, { stream_options }, query.starting_after);
  return sendEvents(c, feed, services.limits.keepAlive);
}

/** `DELETE /v1/responses/{id}`; one that is being made in the background is cancelled. */
export async function removeResponse(c: Context<Env>, services: Services, ctx: RequestContext): Promise<Response> {
  const id = pathId(c, 'id');
  await background.removeResponse(services, ctx, id);
  return c.json({ id, object: 'response', deleted: true });
}

/** `POST /v1/responses/{id}/cancel`: one that has ended already stays as it is. */
export async function cancelResponse(c: Context<Env>, services: Services, ctx: RequestContext): Promise<Response> {
  return sendJson(c, await background.cancelResponse(services, ctx, pathId(c, 'id')));
}

/** `GET /v1/responses/{id}/input_items`. */
export async function retrieveInputItems(c: Context<Env>, _: Services, { store }: RequestContext): Promise<Response> {
  return sendJson(c, await listInputItems(store, pathId(c, 'id'), readListQuery(c)));
}
