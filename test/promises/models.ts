import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

/** What each model has beside its id, where its server tells no more. */
const NAMED = { object: 'model', created: 0, owned_by: 'antiphon', servers: { up: 1, all: 1 } };

promise(
  'models.list',
  {
    says: 'GET /v1/models lists the names in the configuration, then what the backends behind patterns list',
    source: 'docs/configuration.md',
  },
  async (door) => {
    door.model.script(says('Hi'));
    const reply = await door.fetch('/v1/models');
    assert.equal(reply.status, 200);
    const { object, data } = (await reply.json()) as { object: string; data: Record<string, unknown>[] };
    assert.equal(object, 'list');
    for (const { id, context_window, ...model } of data) {
      assert.equal(typeof id, 'string');
      assert.ok(context_window === undefined || Number(context_window) > 0);
      assert.deepEqual(model, NAMED);
    }
    const ids = data.map(({ id }) => String(id));
    assert.deepEqual(ids.slice(0, 2), ['demo', 'down']);
    assert.ok(ids.slice(2).length > 0 && ids.slice(2).every((id) => id.startsWith('scripted-')));
  },
  NEEDS_HEADERS,
);

promise(
  'models.codex',
  {
    says: 'GET /v1/models with `client_version` lists them in the form that Codex reads as well',
    source: 'https://github.com/openai/codex/blob/main/codex-rs/protocol/src/openai_models.rs',
  },
  async (door) => {
    door.model.script(says('Hi'));
    const reply = await door.fetch('/v1/models?client_version=0.169.0');
    assert.equal(reply.status, 200);
    const { data, models } = (await reply.json()) as Record<'data' | 'models', Record<string, unknown>[]>;
    assert.deepEqual(
      models.map(({ slug }) => slug),
      data.map(({ id }) => id),
    );
    for (const [at, { context_window: context }] of data.entries()) assert.equal(models[at]?.context_window, context);
    const [{ base_instructions: instructions, display_name: name, priority, visibility } = {}] = models;
    assert.deepEqual({ name, priority, visibility }, { name: 'demo', priority: 0, visibility: 'list' });
    assert.match(String(instructions), /coding agent/);
    assert.ok(!('models' in ((await (await door.fetch('/v1/models')).json()) as object)));
  },
  NEEDS_HEADERS,
);

promise(
  'models.one',
  {
    says: 'GET /v1/models/{model} is one of them, whatever slashes its name has, and 404 for any other',
    source: 'docs/api.md',
  },
  async (door) => {
    door.model.script(says('Hi'));
    const { data } = (await (await door.fetch('/v1/models')).json()) as { data: { id: string }[] };
    for (const id of ['demo', data.at(-1)?.id]) {
      const reply = await door.fetch(`/v1/models/${id}`);
      assert.equal(reply.status, 200, id);
      const { context_window: _, ...model } = (await reply.json()) as Record<string, unknown>;
      assert.deepEqual(model, { id, ...NAMED });
    }
    for (const id of ['nobody-knows', 'scripted-nobody', 'a/b', 'a/b/c']) {
      const unknown = { status: 404, code: 'model_not_found', param: 'model' };
      await refuses(await door.fetch(`/v1/models/${id}`), unknown);
    }
  },
  NEEDS_HEADERS,
);
