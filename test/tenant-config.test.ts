import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, parseConfig } from '../handler/index.ts';
import { until } from './promises/state-ask.ts';
import { testHandler } from './support/doors/in-process.ts';
import { type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';

/** A handler whose callers say their tenant and user in a header, such as `acme/ann`. */
async function open(t: { after(fn: () => Promise<void>): void }, more: (model: ScriptedModel) => object) {
  const model = await startScriptedModel();
  const name = model.script(says('ok'));
  const configOf = (more: object) =>
    parseConfig({ models: [{ match: 'scripted-*', backend: 'chat', url: model.url }], ...more });
  const handler = await testHandler(model, {
    config: configOf(more(model)),
    identify: (request) => {
      const [tenant, user] = request.headers.get('x-who')?.split('/') ?? [];
      return { id: 'same', ...(tenant && { tenant }), ...(user && { user }) };
    },
  });
  t.after(async () => {
    await handler.close();
    await model.close();
  });
  const ask = async (who: string, path: string, body?: object) => {
    const headers = { ...(who && { 'x-who': who }), ...(body && { 'content-type': 'application/json' }) };
    const reply = await handler.fetch(
      new Request(`http://in-process${path}`, {
        method: body ? 'POST' : 'GET',
        headers,
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
    return { status: reply.status, body: (await reply.json()) as any };
  };
  const create = (who: string, more: object = {}) => ask(who, '/v1/responses', { model: name, input: 'Hi', ...more });
  const background = async (who: string): Promise<string> => {
    const { id } = (await create(who, { background: true })).body;
    await until(async () => (await ask(who, `/v1/responses/${id}`)).body.status === 'completed');
    return id;
  };
  const reload = (more: (model: ScriptedModel) => object) => handler.reload(configOf(more(model)) as Config);
  return { model, handler, create, background, reload };
}

const hook = (model: ScriptedModel, path: string, tenant?: string) => ({
  url: `${model.hooksUrl}/${path}`,
  secret: 'the secret of the hooks',
  ...(tenant && { tenant }),
});

for (const isolation of ['tenant', 'user']) {
  test(`webhooks are told of what is of their tenant alone, with isolation ${isolation}`, async (t) => {
    const { model, handler, background } = await open(t, (model) => ({
      isolation,
      webhooks: [hook(model, 'default'), hook(model, 'acme', 'acme'), hook(model, 'other', 'other')],
    }));
    const made = { default: await background('default/ann'), acme: await background('acme/ann') };
    await until(async () => model.hooks.length >= 2);
    assert.equal(await handler.deliver(), undefined, 'nothing else is due');
    const told = model.hooks.map(({ path, body }) => [path, JSON.parse(body).data.id]).sort();
    assert.deepEqual(told, [
      ['/hooks/acme', made.acme],
      ['/hooks/default', made.default],
    ]);
  });
}

test('webhooks: what waits for a URL that is of another tenant now is given up, and what comes later goes there', async (t) => {
  const { model, handler, background, reload } = await open(t, (model) => ({ webhooks: [hook(model, 'one', 'acme')] }));
  model.answerHooks(500);
  await background('acme');
  await until(async () => model.hooks.length === 1);
  reload((model) => ({ webhooks: [hook(model, 'one', 'other')] }));
  await until(async () => (await handler.deliver()) === undefined);
  assert.equal(model.hooks.length, 1, 'the other tenant is not told of it');
  const id = await background('other');
  await until(async () => model.hooks.length === 2);
  assert.equal(JSON.parse(model.hooks[1]?.body ?? '').data.id, id);
});

test('prompts: a tenant has its own in place of everybody’s, and those of another are as one that never was', async (t) => {
  const prompts = [
    { id: 'all', version: '1', instructions: 'everybody 1' },
    { id: 'all', version: '1', tenant: 'acme', instructions: 'acme 1' },
    { id: 'own', version: '1', tenant: 'acme', instructions: 'acme' },
  ];
  const { create, reload } = await open(t, () => ({ prompts }));
  const instructions = async (who: string, id: string, version?: string) => {
    const { status, body } = await create(who, { prompt: { id, ...(version && { version }) } });
    return status === 200 ? body.instructions : body.error;
  };
  assert.equal(await instructions('acme', 'all'), 'acme 1');
  assert.equal(await instructions('acme', 'own'), 'acme');
  assert.equal(await instructions('other', 'all'), 'everybody 1');
  assert.equal(await instructions('', 'all'), 'everybody 1');
  const [foreign, never] = [await instructions('other', 'own'), await instructions('other', 'nil')];
  assert.equal(foreign.param, 'prompt.id');
  assert.deepEqual({ ...foreign, message: foreign.message.replace('own', 'nil') }, never);
  reload(() => ({ prompts: [{ id: 'own', version: '1', tenant: 'other', instructions: 'other' }] }));
  assert.equal(await instructions('other', 'own'), 'other');
  assert.equal((await instructions('acme', 'own')).param, 'prompt.id');
});

test('the same prompt twice for one tenant is a mistake, and so is a tenant that can be none', () => {
  const prompt = { id: 'a', version: '1', tenant: 'acme' };
  assert.throws(() => parseConfig({ prompts: [prompt, prompt] }), /prompts\.1 has the id and version of another/);
  parseConfig({ prompts: [prompt, { ...prompt, tenant: 'other' }, { id: 'a', version: '1' }] });
  assert.throws(() => parseConfig({ prompts: [{ ...prompt, tenant: 'a\u001fb' }] }), /prompts\.0\.tenant must be/);
  const webhook = { url: 'http://h/', secret: 'x'.repeat(16), tenant: '' };
  assert.throws(() => parseConfig({ webhooks: [webhook] }), /webhooks\.0\.tenant must be/);
});
