import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Handler } from '../handler/index.ts';
import { testHandler } from './support/doors/in-process.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';

interface Replayed {
  what: string;
  body: object;
}

const {
  headers,
  chat,
  responses,
  stateful,
  refused,
}: {
  headers: Record<string, string>;
  chat: Replayed[];
  responses: Replayed[];
  stateful: Replayed;
  refused: Replayed;
} = JSON.parse(readFileSync(new URL('fixtures/open-webui/requests.json', import.meta.url), 'utf8'));

describe('what Open WebUI sends is answered', () => {
  let model: ScriptedModel;
  let handler: Handler;
  before(async () => {
    model = await startScriptedModel();
    handler = await testHandler(model, {});
  });
  after(async () => {
    await handler.close(0);
    await model.close();
  });

  async function send(path: string, body: object, values: Record<string, string>) {
    let text = JSON.stringify(body);
    for (const [name, value] of Object.entries(values)) text = text.replaceAll(name, value);
    const reply = await handler.fetch(new Request(`http://x/v1${path}`, { method: 'POST', headers, body: text }));
    const said = await reply.text();
    assert.equal(reply.status, 200, said);
    assert.ok(!said.includes('response.failed'), said);
    return said;
  }

  test('the list of models that its picker shows', async () => {
    const reply = await handler.fetch(new Request('http://x/v1/models', { headers }));
    const { data } = (await reply.json()) as { data: { id: string }[] };
    assert.ok(data.length > 0 && data.every(({ id }) => typeof id === 'string'));
  });

  for (const [path, requests] of [
    ['/chat/completions', chat],
    ['/responses', responses],
  ] as const)
    for (const { what, body } of requests)
      test(`${path}: ${what}`, async () => {
        const said = await send(path, body, { MODEL: model.script(says('Hel', 'lo')) });
        assert.match(said, /lo"/);
      });

  test(`/responses: ${refused.what}, is refused with the name that it has here`, async () => {
    const body = JSON.stringify({ ...refused.body, model: model.script(says('never')) });
    const reply = await handler.fetch(new Request('http://x/v1/responses', { method: 'POST', headers, body }));
    assert.equal(reply.status, 422);
    assert.match(await reply.text(), /reasoning_effort is not supported; the Responses API has reasoning\.effort/);
  });

  test(`/responses: ${stateful.what}`, async () => {
    const [asks = assert.fail()] = responses;
    const MODEL = model.script(
      callsFunctions({ name: 'weather', args: '{"city": "Oslo"}', id: 'call_a' }),
      says('Snow.'),
    );
    const first = await send('/responses', asks.body, { MODEL });
    const [PREVIOUS = ''] = /resp_\w+/.exec(first) ?? [];
    assert.match(await send('/responses', stateful.body, { MODEL, PREVIOUS }), /Snow\./);
    const heard = model.calls(MODEL).at(-1)?.body.messages;
    assert.equal(JSON.stringify(heard).match(/"role":"tool"/g)?.length, 1);
  });
});
