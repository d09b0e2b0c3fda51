import type { Context } from 'hono';
import type { Services } from '../../service/services.ts';
import type { Env } from '../env.ts';

/** `GET /v1/models`: the models that requests may name, as far as they can be listed. */
export async function listModels(c: Context<Env>, { models, limits }: Services): Promise<Response> {
  const ids = await models.list(limits.listing);
  const data = ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'antiphon' }));
  return c.json({ object: 'list', data });
}
