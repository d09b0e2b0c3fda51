import { json, type Route, route } from '../route.ts';

/** The models that requests may name, as far as they can be listed. */
export const models: Route[] = [
  route({
    method: 'GET',
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'The models that requests may name',
    reply: json('ModelList'),
    async handle({ c, services: { models, limits } }) {
      const ids = await models.list(limits.listing);
      const data = ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'antiphon' }));
      return c.json({ object: 'list', data });
    },
  }),
];
