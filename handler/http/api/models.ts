import type { Context } from 'hono';
import { requireVersion, VERSION_HEADER } from '../../neighbours/messages/errors.ts';
import { listedModel, pageOfModels } from '../../neighbours/messages/models.ts';
import { modelNotFound } from '../../routing/model-names.ts';
import { unknownModel } from '../../routing/models.ts';
import { mayUse } from '../../service/context.ts';
import type { Env } from '../env.ts';
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
      if (isAnthropics(c)) return c.json(pageOfModels(ids, c.req.query()));
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
      const { model } = params;
      if (await models.has(model, limits.listing)) return c.json(isAnthropics(c) ? listedModel(model) : modelOf(model));
      throw await modelNotFound(services, params.model);
    },
  }),
];

/** Whether who asks reads the lists of Anthropic's API. */
function isAnthropics({ req }: Context<Env>): boolean {
  const version = req.header(VERSION_HEADER);
  if (version !== undefined) requireVersion(version);
  return version !== undefined;
}

function modelOf(id: string) {
  return { id, object: 'model', created: 0, owned_by: 'antiphon' };
}
