import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { eventsOf } from '../support/accumulate.ts';
import { refusalOf, repeats } from './heard.ts';
import { tooLong } from './questions.ts';
import { modelTest, type Scene } from './scene.ts';
import { refusal } from './turn.ts';

modelTest('an input beyond the context: 400 context_length_exceeded, in our words', ['overflow'], async (scene) => {
  const { client, target } = scene;
  const error = await refusal(client.responses.create({ ...tooLong(target.window), model: target.model }));
  assert.deepEqual([error.status, error.code, error.param], [400, 'context_length_exceeded', 'input']);
  saysNothingOf(scene, error.message);
});

modelTest(
  'an input beyond the context, streamed: the same, or an error and response.failed',
  ['overflow'],
  async (scene) => {
    const { client, target } = scene;
    const body = { ...tooLong(target.window), model: target.model, stream: true } as const;
    const asked = client.responses.create(body).asResponse();
    const text = await asked.then(
      (reply) => reply.text(),
      (error: unknown) => error,
    );
    // Its server refused it before the stream had to begin.
    if (text instanceof OpenAI.APIError) {
      assert.deepEqual([text.status, text.code, text.param], [400, 'context_length_exceeded', 'input']);
      return saysNothingOf(scene, text.message);
    }
    assert.ok(typeof text === 'string', String(text));
    const [error, failed] = eventsOf(text).slice(-2);
    assert.deepEqual([error.type, error.code], ['error', 'context_length_exceeded']);
    assert.equal(failed.type, 'response.failed');
    assert.deepEqual(failed.response.output, []);
    assert.equal((await client.responses.retrieve(failed.response.id)).status, 'failed');
    saysNothingOf(scene, text);
  },
);

function saysNothingOf({ exchanges: [exchange] }: Scene, text: string): void {
  assert.ok(exchange);
  assert.ok(!repeats(text, refusalOf(exchange)), text);
}
