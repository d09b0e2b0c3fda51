import assert from 'node:assert/strict';
import { modelTest } from './scene.ts';
import { create, refusal, stream } from './turn.ts';

const first = { input: 'My name is Ada. What is a lighthouse?', max_output_tokens: 48 };
const second = { input: 'What is my name?', max_output_tokens: 48 };

/** How a text stands inside of JSON. */
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

modelTest('previous_response_id: the second turn has the first before it', [], async (scene) => {
  const alone = await create(scene, second);
  const begun = await create(scene, first);
  const { response } = await stream(scene, { ...second, previous_response_id: begun.id });
  assert.equal(response.previous_response_id, begun.id);
  const asked = scene.exchanges.at(-1)?.asked ?? '';
  for (const text of [first.input, begun.output_text, second.input]) assert.ok(asked.includes(inJson(text)), asked);
  if (scene.abilities.missing.has('usage')) return;
  assert.ok(alone.usage && begun.usage && response.usage);
  assert.ok(response.usage.input_tokens > alone.usage.input_tokens);
  assert.ok(response.usage.input_tokens > begun.usage.input_tokens);
});

modelTest('previous_response_id: one answer has two that go on from it', [], async (scene) => {
  const begun = await create(scene, first);
  const turns = [1, 2].map(() => create(scene, { ...second, previous_response_id: begun.id }));
  const [one, other] = await Promise.all(turns);
  assert.notEqual(one?.id, other?.id);
});

modelTest('a conversation holds both turns', [], async (scene) => {
  const { id } = await scene.client.conversations.create();
  const outputs = [];
  for (const question of [first, second]) outputs.push((await create(scene, { ...question, conversation: id })).output);
  const types: string[] = [];
  for await (const { type } of scene.client.conversations.items.list(id, { order: 'asc' })) types.push(type);
  const expected = outputs.flatMap((output) => ['message', ...output.map(({ type }) => type)]);
  assert.deepEqual(types, expected);
});

modelTest('store false: nothing is kept', [], async (scene) => {
  const { response } = await stream(scene, { ...first, store: false });
  assert.equal((await refusal(scene.client.responses.retrieve(response.id))).status, 404);
  const { model } = scene.target;
  const next = scene.client.responses.create({ ...second, model, previous_response_id: response.id });
  assert.equal((await refusal(next)).code, 'previous_response_not_found');
});
