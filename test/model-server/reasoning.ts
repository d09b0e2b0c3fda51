import assert from 'node:assert/strict';
import { riddle } from './questions.ts';
import { modelTest } from './scene.ts';
import { create, lastHeard, reasoningOf, stream } from './turn.ts';

modelTest('reasoning: an item of its own, before the message', ['reasoning'], async (scene) => {
  const { events, response } = await stream(scene, riddle);
  const types = response.output.map(({ type }) => type);
  assert.equal(types[0], 'reasoning');
  assert.equal(types.filter((type) => type === 'reasoning').length, 1);
  if (response.status === 'completed') assert.deepEqual(types, ['reasoning', 'message']);
  assert.ok(events.some(({ type }) => type === 'response.reasoning_text.delta'));
  assert.equal(reasoningOf(response), lastHeard(scene).reasoning);
});

modelTest('reasoning: the next turn may take it back', ['reasoning'], async (scene) => {
  const first = await create(scene, riddle);
  const next = await create(scene, { input: 'And 9 * 9?', max_output_tokens: 64, previous_response_id: first.id });
  assert.ok(next.output.length > 0);
});
