import assert from 'node:assert/strict';
import { plain } from './questions.ts';
import { modelTest } from './scene.ts';
import { create, joined, lastHeard, reasoningOf, stream } from './turn.ts';

modelTest('a stream: what the server said is what is streamed, what ends it, and what is kept', [], async (scene) => {
  const { events, response } = await stream(scene, plain);
  const said = lastHeard(scene);
  const text = joined(events, 'response.output_text.delta');
  assert.equal(text, said.text);
  assert.equal(joined(events, 'response.reasoning_text.delta'), said.reasoning);
  assert.equal(reasoningOf(response), said.reasoning);
  assert.ok(text.isWellFormed());
  assert.ok(said.text + said.reasoning !== '', 'the model said something');
});

modelTest('a JSON reply: what the server said', [], async (scene) => {
  const response = await create(scene, plain);
  const said = lastHeard(scene);
  assert.equal(response.output_text, said.text);
  assert.equal(reasoningOf(response), said.reasoning);
  assert.equal(response.model, scene.target.model);
});

modelTest('usage: as the server counted, and null where it does not', [], async (scene) => {
  const { response } = await stream(scene, plain);
  const { usage } = lastHeard(scene);
  if (scene.abilities.missing.has('usage')) return assert.equal(response.usage, null);
  assert.ok(usage && response.usage);
  const { input_tokens, output_tokens, total_tokens } = response.usage;
  assert.deepEqual({ input_tokens, output_tokens }, usage);
  assert.ok(input_tokens > 0 && output_tokens > 0);
  assert.equal(total_tokens, input_tokens + output_tokens);
});

modelTest('the official client puts a stream together', [], async ({ client, target }) => {
  const { model, tokens } = target;
  const running = client.responses.stream({ ...plain, model, max_output_tokens: tokens });
  let text = '';
  running.on('response.output_text.delta', ({ delta }) => {
    text += delta;
  });
  const { id, output_text } = await running.finalResponse();
  assert.equal(output_text, text);
  assert.equal((await client.responses.retrieve(id)).output_text, text);
});

modelTest('completed where the model stopped of itself, incomplete where its tokens ran out', [], async (scene) => {
  const { status, incomplete_details } = await create(scene, plain);
  const { cut } = lastHeard(scene);
  assert.equal(status, cut ? 'incomplete' : 'completed');
  assert.equal(incomplete_details?.reason, cut ? 'max_output_tokens' : undefined);
});

modelTest('turns at once: each has its own whole stream', [], async (scene) => {
  const turns = await Promise.all(Array.from({ length: 6 }, () => stream(scene, plain)));
  const ids = turns.flatMap(({ response }) => [response.id, ...response.output.map(({ id }) => id)]);
  assert.equal(new Set(ids).size, ids.length);
});
