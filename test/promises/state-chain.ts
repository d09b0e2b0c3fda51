import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { create, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { conversation, modelInput, turnRefused } from './state-ask.ts';

promise(
  'chain.history',
  {
    says: 'the model gets the input and output of all earlier turns in order, then the new input',
    source: 'docs/edge-cases.md: 7 (mlx-vlm#1046)',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'), says('four'));
    let previous_response_id: string | null = null;
    for (const input of ['A', 'B', 'C', 'D']) {
      const response = await create(door, { model, input, previous_response_id });
      assert.equal(response.previous_response_id, previous_response_id);
      previous_response_id = response.id;
    }
    assert.deepEqual(modelInput(door, model), [
      ...['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C', 'assistant: three', 'user: D'],
    ]);
  },
);

promise(
  'chain.deep',
  { says: 'a chain of 25 turns reaches the model whole', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const inputs = Array.from({ length: 25 }, (_, n) => `${n}`);
    let previous_response_id: string | null = null;
    for (const input of inputs) previous_response_id = (await create(door, { model, input, previous_response_id })).id;
    const said = inputs.flatMap((input) => [`user: ${input}`, 'assistant: ok']);
    assert.deepEqual(modelInput(door, model), said.slice(0, -1));
  },
);

promise(
  'chain.streamed',
  { says: 'streamed turns go on from each other as well', source: 'docs/edge-cases.md: 7 (mlx-vlm#1046)' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'));
    const first = await stream(door, { model, input: 'A' });
    const second = await stream(door, { model, input: 'B', previous_response_id: first.final.id });
    for (const event of second.events) {
      if ('response' in event) assert.equal(event.response.previous_response_id, first.final.id);
    }
    await stream(door, { model, input: 'C', previous_response_id: second.final.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C']);
  },
);

promise(
  'chain.at-once',
  {
    says: 'the id of response.completed can be used while the stream is still open',
    source: 'docs/edge-cases.md: 2 (lmstudio-bug-tracker#1188)',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const reply = await post(door, { model, input: 'A', stream: true });
    const decoder = new TextDecoder();
    let text = '';
    let asked = false;
    for await (const chunk of reply.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const id = /event: response\.completed\ndata: .*?"id":"(resp_\w+)"/.exec(text)?.[1];
      if (asked || !id) continue;
      asked = true;
      await create(door, { model, input: 'B', previous_response_id: id });
    }
    assert.ok(asked);
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
  },
);

promise(
  'chain.instructions',
  { says: 'instructions of earlier turns are not carried over', source: 'docs/edge-cases.md: 6 (vllm#37727)' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'));
    const first = await create(door, { model, input: 'A', instructions: 'Be kind.' });
    const second = await create(door, { model, input: 'B', previous_response_id: first.id });
    assert.equal(second.instructions, null);
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
    await create(door, { model, input: 'C', previous_response_id: first.id, instructions: 'Be brief.' });
    assert.deepEqual(modelInput(door, model), ['system: Be brief.', 'user: A', 'assistant: one', 'user: C']);
  },
);

promise(
  'chain.system-items',
  {
    says: 'system and developer messages of the input are carried over',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const input = [
      { role: 'developer', content: 'Be kind.' },
      { role: 'user', content: 'A' },
    ];
    const first = await create(door, { model, input });
    await create(door, { model, input: 'B', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['system: Be kind.', 'user: A', 'assistant: one', 'user: B']);
  },
);

promise(
  'chain.branches',
  { says: 'two turns that go on from one do not see each other', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'), says('four'));
    const root = await create(door, { model, input: 'A' });
    const left = await create(door, { model, input: 'B', previous_response_id: root.id });
    await create(door, { model, input: 'C', previous_response_id: root.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: C']);
    await create(door, { model, input: 'D', previous_response_id: left.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: D']);
  },
);

promise(
  'chain.concurrent',
  { says: 'eight turns may go on from one at once', source: 'docs/state.md' },
  async (door) => {
    const root = await create(door, { model: door.model.script(says('one')), input: 'A' });
    const models = Array.from({ length: 8 }, (_, n) => door.model.script(says(`answer ${n}`)));
    const ids = await Promise.all(
      models.map(async (model, n) => {
        const body = { model, input: `B${n}`, previous_response_id: root.id };
        return n % 2 ? (await create(door, body)).id : (await stream(door, body)).final.id;
      }),
    );
    await Promise.all(ids.map((id, n) => create(door, { model: models[n], input: 'C', previous_response_id: id })));
    for (const [n, model] of models.entries()) {
      const expected = ['user: A', 'assistant: one', `user: B${n}`, `assistant: answer ${n}`, 'user: C'];
      assert.deepEqual(modelInput(door, model), expected);
    }
  },
);

promise('chain.other-model', { says: 'a chain may change its model', source: 'docs/state.md' }, async (door) => {
  const first = await create(door, { model: door.model.script(says('one')), input: 'A' });
  const model = door.model.script(says('two'));
  await create(door, { model, input: 'B', previous_response_id: first.id });
  assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
});

promise(
  'chain.reasoning',
  { says: 'reasoning of earlier turns reaches the model in its place', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ reasoning_content: 'Hm.' }, { content: 'one' }]), says('two'));
    const first = await create(door, { model, input: 'A' });
    await create(door, { model, input: 'B', previous_response_id: first.id });
    assert.deepEqual(door.model.calls(model)[1]?.body.messages, [
      { role: 'user', content: 'A' },
      { role: 'assistant', content: 'one', reasoning_content: 'Hm.' },
      { role: 'user', content: 'B' },
    ]);
  },
);

promise(
  'chain.refusal',
  { says: 'a refusal of an earlier turn reaches the model', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ refusal: 'I will not.' }]), says('two'));
    const first = await create(door, { model, input: 'A' });
    await create(door, { model, input: 'B', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: I will not.', 'user: B']);
  },
);

promise(
  'chain.incomplete',
  { says: 'an incomplete response can be continued', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ content: 'Hel' }], 'length'), says('lo'));
    const first = await create(door, { model, input: 'A' });
    assert.equal(first.status, 'incomplete');
    await create(door, { model, input: 'Go on', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: Hel', 'user: Go on']);
  },
);

promise(
  'chain.empty',
  { says: 'a response without output can be continued', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ role: 'assistant', content: '' }]), says('two'));
    const first = await create(door, { model, input: 'A' });
    assert.deepEqual(first.output, []);
    await create(door, { model, input: 'B', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: B']);
  },
);

promise(
  'chain.images',
  { says: 'images of earlier turns reach the model again', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('a cat'), says('a tabby'));
    const content = [
      { type: 'input_text', text: 'What is it?' },
      { type: 'input_image', image_url: 'https://pictures.test/1.png', detail: 'low' },
    ];
    const first = await create(door, { model, input: [{ role: 'user', content }] });
    await create(door, { model, input: 'Which?', previous_response_id: first.id });
    const [before, after] = door.model.calls(model);
    assert.deepEqual(after?.body.messages, [
      ...(before?.body.messages ?? []),
      { role: 'assistant', content: 'a cat' },
      { role: 'user', content: 'Which?' },
    ]);
    assert.match(JSON.stringify(after?.body.messages[0]), /https:\/\/pictures\.test\/1\.png/);
  },
);

promise(
  'chain.tool-items',
  {
    says: "a server-side tool's call of an earlier turn reaches the model with its output",
    source: 'docs/state.md',
  },
  async (door) => {
    const add = { name: 'add', args: '{"a":2,"b":3}', id: 'c1' };
    const model = door.model.script(callsFunctions(add), says('It is 5.'), says('two'));
    const first = await create(door, { model, input: 'Sum?', tools: [{ type: 'test_tool' }] });
    await create(door, { model, input: 'Sure?', previous_response_id: first.id });
    const { messages } = door.model.calls(model)[2]?.body ?? {};
    const id = messages[1]?.tool_calls?.[0]?.id;
    assert.deepEqual(modelInput(door, model), [
      'user: Sum?',
      `assistant: mcp_test__add ${add.args} #${id}`,
      `tool ${id}: 5`,
      'assistant: It is 5.',
      'user: Sure?',
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'chain.unstored',
  { says: 'store: false reads the history and leaves nothing', source: 'docs/edge-cases.md: 3 (smg#916)' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'));
    const first = await create(door, { model, input: 'A' });
    const second = await create(door, { model, input: 'B', previous_response_id: first.id, store: false });
    assert.equal(second.previous_response_id, first.id);
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
    const notFound = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' };
    await turnRefused(door, { previous_response_id: second.id }, notFound);
    await create(door, { model, input: 'C', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: C']);
  },
);

promise(
  'chain.no-input',
  {
    says: 'where there is something to go on from, input may be missing',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const { id } = await create(door, { model, input: 'Hi' });
    const reply = await post(door, { model, previous_response_id: id });
    assert.equal(reply.status, 200, await reply.text());
    assert.deepEqual(modelInput(door, model), ['user: Hi', 'assistant: one']);
    const made = await conversation(door, { items: [{ role: 'user', content: 'Hello' }] });
    const inside = await post(door, { model, conversation: made });
    assert.equal(inside.status, 200, await inside.text());
    assert.deepEqual(modelInput(door, model), ['user: Hello']);
  },
  NEEDS_HEADERS,
);

promise(
  'chain.current-turn',
  {
    says: 'reasoning of earlier turns is left out where reasoning.context says so',
    source: 'openai 7.57.0 types: Reasoning',
  },
  async (door) => {
    const thinks = sends([{ reasoning_content: 'Hm.' }, { content: 'one' }]);
    const user = { role: 'user', content: 'Hi' };
    const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' };
    for (const [context, thought] of [
      ['current_turn', undefined],
      ['all_turns', 'Hm.'],
    ]) {
      const model = door.model.script(thinks, says('two'));
      const told = () => door.model.calls(model).at(-1)?.body.messages[1].reasoning_content;
      const { id } = await create(door, { model });
      await create(door, { model, previous_response_id: id, reasoning: { context } });
      assert.equal(told(), thought);
      const said = [user, { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }], summary: [] }];
      const replayed = [...said, { role: 'assistant', content: 'one' }, user];
      await create(door, { model, input: replayed, reasoning: { context }, store: false });
      assert.equal(told(), thought);
      const calls = door.model.script(
        sends([{ reasoning_content: 'Hm.' }, { tool_calls: [toChat(call)] }]),
        says('two'),
      );
      const made = await create(door, { model: calls, tools: [{ type: 'function', name: 'f' }] });
      const output = { type: 'function_call_output', call_id: 'c1', output: 'x' };
      await create(door, { model: calls, input: [output], previous_response_id: made.id, reasoning: { context } });
      const { messages } = door.model.calls(calls).at(-1)?.body ?? {};
      assert.equal(messages[1].reasoning_content, 'Hm.', 'the turn goes on where a call is answered');
    }
  },
);

function toChat({ call_id, name, arguments: written }: { call_id: string; name: string; arguments: string }) {
  return { index: 0, id: call_id, type: 'function', function: { name, arguments: written } };
}
