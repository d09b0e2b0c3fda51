import assert from 'node:assert/strict';
import { askDirectly } from './direct.ts';
import { refusalOf, repeats } from './heard.ts';
import { picture, plain, UNICODE } from './questions.ts';
import { modelTest } from './scene.ts';
import { create, refusal, stream } from './turn.ts';

modelTest('characters of every kind reach the server and are kept', [], async (scene) => {
  const { client } = scene;
  const { response } = await stream(scene, { ...plain, input: UNICODE, instructions: UNICODE });
  const { data } = await client.responses.inputItems.list(response.id);
  assert.partialDeepStrictEqual(data, [{ type: 'message', content: [{ type: 'input_text', text: UNICODE }] }]);
  assert.equal((scene.exchanges[0]?.asked ?? '').split(UNICODE).length, 3, 'once as input, once as instructions');
});

modelTest('instructions and a developer message', [], async (scene) => {
  const input = [
    { role: 'developer', content: 'Speak of the sea.' },
    { role: 'user', content: 'Hello.' },
  ] as const;
  const response = await create(scene, { ...plain, instructions: 'Be brief.', input: [...input] });
  assert.equal(response.instructions, 'Be brief.');
});

modelTest('temperature and top_p are taken, and sent', ['sampling'], async (scene) => {
  const response = await create(scene, { ...plain, temperature: 0.5, top_p: 0.9 });
  assert.deepEqual([response.temperature, response.top_p], [0.5, 0.9]);
  assert.partialDeepStrictEqual(JSON.parse(scene.exchanges[0]?.asked ?? ''), { temperature: 0.5, top_p: 0.9 });
});

modelTest('an image is taken, or refused in our words', [], async (scene) => {
  const { target, backend, t } = scene;
  const { status } = await askDirectly(target, backend, picture);
  if (status === 200) return void (await create(scene, picture));
  const error = await refusal(create(scene, picture));
  t.diagnostic(`the server refuses images with ${status}, the product with ${error.status}: ${error.message}`);
  assert.ok((error.status ?? 0) >= 400);
  const [exchange] = scene.exchanges;
  if (exchange) assert.ok(!repeats(error.message, refusalOf(exchange)), error.message);
});

modelTest('a model that the server does not have: 404, unless it answers to any name', [], async (scene) => {
  const elsewhere = { ...scene, target: { ...scene.target, model: 'no-such-model-of-ours' } };
  const { target, backend, t } = elsewhere;
  const { status } = await askDirectly(target, backend, plain);
  if (status === 200) {
    t.diagnostic('the server answers to any name');
    assert.equal((await create(elsewhere, plain)).model, target.model);
    return;
  }
  const error = await refusal(create(elsewhere, plain));
  assert.deepEqual([error.status, error.code, error.param], [404, 'model_not_found', 'model']);
});

modelTest('the list of models has the server’s', [], async ({ client, target }) => {
  const ids = (await client.models.list()).data.map(({ id }) => id);
  assert.ok(ids.includes(target.model), ids.join());
});
