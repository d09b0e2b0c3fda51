import type { Context } from 'hono';
import { requireVersion, VERSION_HEADER } from '../../neighbours/messages/errors.ts';
import { listedModel, pageOfModels } from '../../neighbours/messages/models.ts';
import { modelNotFound } from '../../routing/model-names.ts';
import { type KnownModel, unknownModel } from '../../routing/models.ts';
import { mayUse } from '../../service/context.ts';
import type { Env } from '../env.ts';
import { json, type Route, route } from '../route.ts';
import { codexModel } from './codex-models.ts';

/** The models that requests may name, as far as they can be listed. */
export const models: Route[] = [
  route({
    method: 'GET',
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'List models',
    reply: json('ModelList'),
    async handle({ c, ctx, services: { models, limits } }) {
      const all = (await models.catalog(limits.listing)).filter(({ id }) => mayUse(ctx.caller, id));
      if (isAnthropics(c))
        return c.json(
          pageOfModels(
            all.map(({ id }) => id),
            c.req.query(),
          ),
        );
      const list = { object: 'list', data: all.map(shown) };
      return c.json(isCodexs(c) ? { ...list, models: all.map(codexModel) } : list);
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
      const known = (await models.catalog(limits.listing)).find(({ id }) => id === model);
      if (known || (await models.has(model, limits.listing))) {
        if (isAnthropics(c)) return c.json(listedModel(model));
        return c.json(known ? shown(known) : named(model));
      }
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

/** Whether Codex asks, which reads a list of its own. */
function isCodexs({ req }: Context<Env>): boolean {
  return req.query('client_version') !== undefined;
}

/** A model in OpenAI's shape, with what is known of it beside. */
function shown({ id, context, inputs, servers }: KnownModel) {
  return {
    ...named(id),
    ...(context !== undefined && { context_window: context }),
    ...(inputs && { input_modalities: inputs }),
    servers,
  };
}

function named(id: string) {
  return { id, object: 'model', created: 0, owned_by: 'antiphon' };
}
