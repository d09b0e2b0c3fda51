import type { Context } from 'hono';
import { ApiError } from '../../errors.ts';
import { StreamQuery } from '../../protocol/list.ts';
import type { Env, Services } from '../../service/env.ts';
import { hasLog } from '../../state/log.ts';
import { deleteResponse, getResponse, listInputItems } from '../../state/responses.ts';
import { check } from '../../validate.ts';
import { checkInclude, pathId, readListQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import { stopBackground, streamBackground } from './background.ts';

/** `GET /v1/responses/{id}`: the response, or with `stream=true` the events of one that was made in the background. */
export async function retrieveResponse(c: Context<Env>, services: Services): Promise<Response> {
  const { scope } = services;
  checkInclude(c);
  const query = check(StreamQuery, c.req.query());
  const response = await getResponse(scope, pathId(c, 'id'));
  if (query.stream !== 'true') {
    if (query.starting_after === undefined) return sendJson(c, response);
    throw new ApiError('invalid_value', 'starting_after needs stream=true', { param: 'starting_after' });
  }
  if (!(await hasLog(scope, response.id))) {
    const message = response.background
      ? 'The events of this response are not kept any more, so it cannot be streamed again.'
      : 'The events of this response were not kept, since it was not made in the background: it cannot be streamed again.';
    throw new ApiError('refused', message, { param: 'stream' });
  }
  const include_obfuscation = query.include_obfuscation === 'true';
  return streamBackground(c, services, response, { stream_options: { include_obfuscation } }, query.starting_after);
}

/** `DELETE /v1/responses/{id}`; one that is being made in the background is cancelled. */
export async function removeResponse(c: Context<Env>, services: Services): Promise<Response> {
  const id = pathId(c, 'id');
  const response = await getResponse(services.scope, id);
  if (response.background) await stopBackground(services, response);
  await deleteResponse(services.scope, id);
  return c.json({ id, object: 'response', deleted: true });
}

/** `GET /v1/responses/{id}/input_items`. */
export async function retrieveInputItems(c: Context<Env>, { scope }: Services): Promise<Response> {
  return sendJson(c, await listInputItems(scope, pathId(c, 'id'), readListQuery(c)));
}
