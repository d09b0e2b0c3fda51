import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { history, isCall, required, tools, weather } from './questions.ts';
import { modelTest } from './scene.ts';
import { callsOf, create, joined, lastHeard, madeOf, stream, wholeCallsOf } from './turn.ts';

modelTest('tool_choice "required": a call whose arguments are of the schema', ['calls'], async (scene) => {
  const response = await create(scene, required);
  assert.equal(callsOf(response).length, 1);
  for (const call of wholeCallsOf(scene, response)) assert.ok(isCall(call), JSON.stringify(call));
});

modelTest('a call, streamed: its deltas are its arguments', ['calls'], async (scene) => {
  const { events, response } = await stream(scene, required);
  const [call] = callsOf(response);
  assert.equal(joined(events, 'response.function_call_arguments.delta'), call?.arguments);
  assert.ok((call?.call_id.length ?? 0) <= 64);
  for (const whole of wholeCallsOf(scene, response)) assert.ok(isCall(whole), JSON.stringify(whole));
});

modelTest('tool_choice with a name: that function is called', ['calls'], async (scene) => {
  for (const { name } of tools) {
    const response = await create(scene, { ...required, tool_choice: { type: 'function', name } });
    assert.deepEqual(
      callsOf(response).map((call) => call.name),
      [name],
    );
    for (const call of wholeCallsOf(scene, response)) assert.ok(isCall(call), JSON.stringify(call));
  }
});

modelTest('tool_choice "none": no call, though there are functions', [], async (scene) => {
  const { response } = await stream(scene, { ...weather, tool_choice: 'none' });
  assert.deepEqual(
    response.output.filter(({ type }) => type === 'function_call'),
    [],
  );
});

modelTest('tool_choice "auto": the calls that the model makes of itself', ['calls unasked'], async (scene) => {
  const { response } = await stream(scene, { ...weather, tool_choice: 'auto' });
  assert.deepEqual(madeOf(response), lastHeard(scene).calls);
});

modelTest('parallel_tool_calls: every call, each with an id of its own', ['calls unasked'], async (scene) => {
  const { response } = await stream(scene, { ...weather, parallel_tool_calls: true });
  assert.deepEqual(madeOf(response), lastHeard(scene).calls);
  scene.t.diagnostic(`${lastHeard(scene).calls.length} calls`);
  const ids = callsOf(response).map(({ call_id }) => call_id);
  assert.equal(new Set(ids).size, ids.length);
});

modelTest('parallel_tool_calls false: the first call alone, whole where others followed', ['calls'], async (scene) => {
  const { response } = await stream(scene, required);
  const { calls, text } = lastHeard(scene);
  scene.t.diagnostic(`${calls.length} calls`);
  if (calls.length === 0) {
    // It was asked for as JSON.
    for (const { name, arguments: written } of wholeCallsOf(scene, response))
      assert.deepEqual(JSON.parse(text), { name, arguments: JSON.parse(written) });
    return;
  }
  assert.deepEqual(madeOf(response), calls.slice(0, 1));
  if (calls.length > 1) assert.equal(callsOf(response)[0]?.status, 'completed');
});

modelTest('a call that was made elsewhere, with its output: the model answers', ['call history'], async (scene) => {
  const { response } = await stream(scene, history);
  const [exchange] = scene.exchanges;
  assert.match(exchange?.asked ?? '', /clear/);
  assert.ok(response.output.length > 0);
});

modelTest('a call and its output, round trip', ['calls', 'call history'], async (scene) => {
  const first = await create(scene, required);
  const outputs = wholeCallsOf(scene, first).map(
    ({ call_id }): OpenAI.Responses.ResponseInputItem.FunctionCallOutput => ({
      type: 'function_call_output',
      call_id,
      output: 'Clear, 21 degrees.',
    }),
  );
  if (outputs.length === 0) return;
  const next = { ...required, tool_choice: 'auto', max_output_tokens: 64, input: outputs } as const;
  const chained = await create(scene, { ...next, previous_response_id: first.id });
  assert.equal(chained.previous_response_id, first.id);
  const replayed = await create(scene, {
    ...next,
    input: [{ role: 'user', content: String(required.input) }, ...asInput(first.output), ...outputs],
  });
  assert.ok(replayed.output.length > 0);
  const [, one, other] = scene.exchanges;
  assert.deepEqual(JSON.parse(one?.asked ?? ''), JSON.parse(other?.asked ?? ''), 'both ways ask the server alike');
});

/** Output items given back by a client that keeps its own history. */
function asInput(output: OpenAI.Responses.ResponseOutputItem[]): OpenAI.Responses.ResponseInputItem[] {
  return output as OpenAI.Responses.ResponseInputItem[]; // what is put out may be put in again
}
