import assert from 'node:assert/strict';
import { LEAST_TOKENS } from './abilities.ts';
import { modelTest } from './scene.ts';
import { create, stream } from './turn.ts';

modelTest(
  'max_output_tokens: an answer that is cut is incomplete, and so is its last item',
  ['cut answers'],
  async (scene) => {
    const question = { ...scene.abilities.cut, max_output_tokens: LEAST_TOKENS };
    const whole = await create(scene, question);
    const { response: streamed, events } = await stream(scene, question);
    for (const { status, incomplete_details, output, usage } of [whole, streamed]) {
      assert.equal(status, 'incomplete');
      assert.equal(incomplete_details?.reason, 'max_output_tokens');
      const last = output.at(-1);
      assert.equal(last && 'status' in last && last.status, 'incomplete');
      // A server may count a token that ends the answer, and one that it held back.
      if (usage) assert.ok(usage.output_tokens <= LEAST_TOKENS + 1, JSON.stringify(usage));
    }
    assert.equal(events.at(-1).type, 'response.incomplete');
  },
);

modelTest('max_output_tokens: a cut answer can be gone on from', ['cut answers'], async (scene) => {
  const question = { ...scene.abilities.cut, max_output_tokens: LEAST_TOKENS };
  const { id } = await create(scene, question);
  const next = await create(scene, { ...question, previous_response_id: id });
  assert.equal(next.previous_response_id, id);
});
