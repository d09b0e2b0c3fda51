import { modelNotFound } from '../../routing/model-names.ts';
import { unknownModel } from '../../routing/models.ts';
import { mayUse } from '../../service/context.ts';
import { json, type Route, route } from '../route.ts';

/** The models that requests may name, as far as they can be listed. */
export const models: Route[] = [
  route({
    method: 'GET',
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'List models',
    reply: json('ModelList'),
    async handle({ c, ctx, services: { models, limits } }) {
      const ids = (await models.list(limits.listing)).filter((id) => mayUse(ctx.caller, id));
      return c.json({ object: 'list', data: ids.map(modelOf) });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/models/{model}',
    operationId: 'getModel',
    summary: 'Get a model',
    reply: json('Model'),
    async handle({ c, ctx, params, services }) {
      const { models, limits } = services;
      if (!mayUse(ctx.caller, params.model)) throw unknownModel(params.model);
      if (await models.has(params.model, limits.listing)) return c.json(modelOf(params.model));
      throw await modelNotFound(services, params.model);
    },
  }),
];

function modelOf(id: string) {
  return { id, object: 'model', created: 0, owned_by: 'antiphon' };
}
