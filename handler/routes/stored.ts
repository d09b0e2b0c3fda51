import type { Context } from 'hono';
import { ApiError } from '../errors.ts';
import { deleteResponse, getResponse, listInputItems } from '../state/responses.ts';
import type { Env, Services } from './env.ts';
import { checkInclude, pathId, readListQuery } from './query.ts';

/** `GET /v1/responses/{id}`. */
export async function retrieveResponse(c: Context<Env>, { scope }: Services): Promise<Response> {
  checkInclude(c);
  const response = await getResponse(scope, pathId(c, 'id'));
  if (c.req.query('stream') === 'true') {
    const message = 'The events of this response were not kept, so it cannot be streamed again.';
    throw new ApiError('refused', message, { param: 'stream' });
  }
  return c.json(response);
}

/** `DELETE /v1/responses/{id}`. */
export async function removeResponse(c: Context<Env>, { scope }: Services): Promise<Response> {
  const id = pathId(c, 'id');
  await deleteResponse(scope, id);
  return c.json({ id, object: 'response', deleted: true });
}

/** `GET /v1/responses/{id}/input_items`. */
export async function retrieveInputItems(c: Context<Env>, { scope }: Services): Promise<Response> {
  return c.json(await listInputItems(scope, pathId(c, 'id'), readListQuery(c)));
}
