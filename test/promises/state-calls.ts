import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { contents, conversation, have, type List, modelInput, turnRefused } from './state-ask.ts';

const tools = [
  { type: 'function', name: 'f' },
  { type: 'function', name: 'g' },
];
const output = (call_id: string, text: string) => ({ type: 'function_call_output', call_id, output: text });

promise(
  'calls.round-trip',
  {
    says: 'a function call of the chain needs only its output in the next input',
    source: 'docs/edge-cases.md: 7 (mlx-vlm#1046)',
  },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'f', args: '{"a":1}', id: 'c1' }), says('done'), says('ok'));
    const first = await create(door, { model, input: 'Go', tools });
    const second = await create(door, {
      model,
      tools,
      previous_response_id: first.id,
      input: [output('c1', '{"n":7}')],
    });
    assert.deepEqual(door.model.calls(model)[1]?.body.messages, [
      { role: 'user', content: 'Go' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '{"n":7}' },
    ]);
    await create(door, { model, previous_response_id: second.id, input: 'And?' });
    const before = ['user: Go', 'assistant: f {"a":1} #c1', 'tool c1: {"n":7}'];
    assert.deepEqual(modelInput(door, model), [...before, 'assistant: done', 'user: And?']);
  },
);

promise(
  'calls.parallel',
  {
    says: 'parallel calls of the chain are one assistant message, their outputs one message each',
    source: 'docs/edge-cases.md: 26 (litellm#18226)',
  },
  async (door) => {
    const model = door.model.script(
      callsFunctions({ name: 'f', args: '{}', id: 'c1' }, { name: 'g', args: '{}', id: 'c2' }),
      says('done'),
    );
    const { id } = await create(door, { model, input: 'Go', tools });
    await create(door, { model, tools, previous_response_id: id, input: [output('c2', 'two'), output('c1', 'one')] });
    const expected = ['user: Go', 'assistant: f {} #c1 g {} #c2', 'tool c2: two', 'tool c1: one'];
    assert.deepEqual(modelInput(door, model), expected);
  },
);

promise(
  'calls.mixed',
  {
    says: 'a call for the client and one for a server-side tool, made at once, are answered together',
    source: 'docs/edge-cases.md: 26 (litellm#18226)',
  },
  async (door) => {
    const served = { name: 'add', args: '{"a":2,"b":3}', id: 'c2' };
    const model = door.model.script(callsFunctions({ name: 'f', args: '{}', id: 'c1' }, served), says('done'));
    const first = await create(door, { model, tools: [...tools, { type: 'test_tool' }] });
    await create(door, { model, tools, previous_response_id: first.id, input: [output('c1', 'one')] });
    const id = first.output[1]?.id;
    assert.deepEqual(modelInput(door, model), [
      ...['user: Hi', `assistant: f {} #c1 mcp_test__add ${served.args} #${id}`, `tool ${id}: 5`, 'tool c1: one'],
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'calls.unknown',
  {
    says: 'an output for a call that is nowhere is 400 and names the call id',
    source: 'docs/edge-cases.md: 23 (codex2api#414)',
  },
  async (door) => {
    const refused = (id: string) => ({
      status: 400,
      code: null,
      param: 'input',
      message: `No tool call found for function call output with call_id ${id}.`,
    });
    await turnRefused(door, { input: [output('nobody', '1')] }, refused('nobody'));
    await turnRefused(door, { input: [output('nobody', '1')], stream: true, store: false }, refused('nobody'));
    const { id } = await calling(door);
    const input = [output('c1', 'one'), output('c9', 'nine')];
    await turnRefused(door, { previous_response_id: id, input }, refused('c9'));
  },
);

promise(
  'calls.before-call',
  { says: 'an output that comes before its call is 400', source: 'docs/edge-cases.md: 23 (codex2api#414)' },
  async (door) => {
    const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' };
    await turnRefused(
      door,
      { input: [output('c1', 'one'), call] },
      {
        status: 400,
        code: null,
        param: 'input',
        message: /c1/,
      },
    );
  },
);

promise(
  'calls.unanswered',
  {
    says: 'a call without an output is 400 and names the call id',
    source: 'docs/state.md (azure-sdk-for-python#46092)',
  },
  async (door) => {
    const refused = (id: string) => ({
      status: 400,
      code: null,
      param: 'input',
      message: `No tool output found for function call ${id}.`,
    });
    const call = (call_id: string) => ({ type: 'function_call', call_id, name: 'f', arguments: '{}' });
    await turnRefused(door, { input: [{ role: 'user', content: 'Go' }, call('c7')] }, refused('c7'));
    await turnRefused(door, { input: [call('a'), call('b'), output('a', '1')], stream: true }, refused('b'));
    const { id } = await calling(door);
    await turnRefused(door, { previous_response_id: id, input: 'Never mind' }, refused('c1'));
    await turnRefused(door, { previous_response_id: id, input: [output('c1', '1'), call('c8')] }, refused('c8'));
  },
);

promise(
  'calls.after-refusal',
  { says: 'a response can still be continued after a refused turn', source: 'docs/state.md' },
  async (door) => {
    const { id } = await calling(door);
    const model = door.model.script(says('done'));
    await turnRefused(door, { previous_response_id: id }, { status: 400, code: null, param: 'input' });
    await create(door, { model, tools, previous_response_id: id, input: [output('c1', 'one')] });
    assert.deepEqual(modelInput(door, model), ['user: Hi', 'assistant: f {} #c1', 'tool c1: one']);
  },
);

promise(
  'calls.ids-reused',
  {
    says: 'a model may use a call id again in a later turn, and every output reaches it',
    source: 'docs/state.md',
  },
  async (door) => {
    const call = (n: number) => callsFunctions({ name: 'f', args: `{"n":${n}}`, id: 'call_0' });
    const model = door.model.script(call(1), call(2), says('done'), says('ok'));
    let { id } = await create(door, { model, input: 'Go', tools });
    for (const text of ['same', 'same']) {
      const input = [output('call_0', text)];
      id = (await create(door, { model, tools, previous_response_id: id, input })).id;
    }
    await create(door, { model, tools, previous_response_id: id, input: 'And?' });
    assert.deepEqual(
      modelInput(door, model).map((line) => line.replace(/^tool \w+|#\w+$/g, '')),
      [
        'user: Go',
        'assistant: f {"n":1} ',
        ': same',
        'assistant: f {"n":2} ',
        ': same',
        'assistant: done',
        'user: And?',
      ],
    );
  },
);

promise(
  'calls.ids-reused-unanswered',
  { says: "an earlier turn's output does not answer a later call of the same id", source: 'docs/state.md' },
  async (door) => {
    const call = (n: number) => callsFunctions({ name: 'f', args: `{"n":${n}}`, id: 'call_0' });
    const model = door.model.script(call(1), call(2));
    const first = await create(door, { model, input: 'Go', tools });
    const input = [output('call_0', 'one')];
    const second = await create(door, { model, tools, previous_response_id: first.id, input });
    const refused = { status: 400, code: null, param: 'input', message: /function call call_0\.$/ };
    await turnRefused(door, { previous_response_id: second.id, input: 'Never mind' }, refused);
  },
);

promise(
  'calls.ids-reused-shell',
  {
    says: 'outputs of a local shell have ids of their own, though clients name the call by theirs, and it may come twice',
    source: 'openai 7.57.0 types: LocalShellCallOutput',
  },
  async (door) => {
    const shell = [{ type: 'local_shell' }];
    const call = (n: number) =>
      callsFunctions({ name: 'local_shell', args: `{"command":["ls","${n}"]}`, id: 'call_0' });
    const answer = (text: string) => ({ type: 'local_shell_call_output', id: 'call_0', output: text });
    const script = [call(1), call(2), says('done'), says('ok')] as const;
    const shown = (model: string) =>
      modelInput(door, model)
        .flatMap((line) => /^tool \w+: (.*)$|^assistant: (done)$/.exec(line)?.slice(1) ?? [])
        .filter(Boolean);

    const id = await conversation(door);
    const model = door.model.script(...script);
    const input: object[] = [{ role: 'user', content: 'Go' }];
    const first = await create(door, { model, input, tools: shell, conversation: id });
    const second = await create(door, { model, input: [answer('one')], tools: shell, conversation: id });
    const third = await create(door, { model, input: [answer('same')], tools: shell, conversation: id });
    assert.equal(third.status, 'completed');
    await create(door, { model, input: 'And?', tools: shell, conversation: id });
    assert.deepEqual(shown(model), ['one', 'same', 'done']);

    const chained = door.model.script(...script);
    let previous = (await create(door, { model: chained, input, tools: shell })).id;
    for (const text of ['one', 'same']) {
      const next = { model: chained, tools: shell, previous_response_id: previous, input: [answer(text)] };
      previous = (await create(door, next)).id;
    }
    await create(door, { model: chained, tools: shell, previous_response_id: previous, input: 'And?' });
    assert.deepEqual(shown(chained), ['one', 'same', 'done']);

    const whole = [...input, ...first.output, answer('one'), ...second.output, answer('same'), ...third.output];
    const replayed = door.model.script(says('ok'));
    await create(door, { model: replayed, tools: shell, input: whole });
    assert.deepEqual(shown(replayed), ['one', 'same', 'done']);

    const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items?order=asc`);
    const outputs = data.filter(({ type }) => type === 'local_shell_call_output');
    assert.deepEqual(
      outputs.map(({ call_id, output }) => [call_id, output]),
      [
        ['call_0', 'one'],
        ['call_0', 'same'],
      ],
    );
    assert.ok(outputs.every((item) => /^lsho_/.test(item.id)) && outputs[0]?.id !== outputs[1]?.id);
    await create(door, { model: replayed, tools: shell, input: data });
    assert.deepEqual(shown(replayed), ['one', 'same', 'done']);
    await create(door, { model: replayed, tools: shell, input: data, conversation: id });
    assert.equal((await contents(door, id)).length, data.length + 1);
  },
  NEEDS_HEADERS,
);

promise(
  'calls.cut',
  { says: 'a cut call of the chain is not sent and asks for no output', source: 'docs/edge-cases.md: 20 (vllm#57998)' },
  async (door) => {
    const cut = { tool_calls: [{ index: 0, id: 'c1', function: { name: 'f', arguments: '{"a' } }] };
    const model = door.model.script(sends([{ content: 'Calling.' }, cut], 'length'), says('two'));
    const first = await create(door, { model, input: 'A', tools });
    assert.partialDeepStrictEqual(first.output.at(-1), { type: 'function_call', status: 'incomplete' });
    await create(door, { model, input: 'B', tools, previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: Calling.', 'user: B']);
  },
);

/** A response that waits for the output of its call `c1`. */
function calling(door: Door) {
  return create(door, { model: door.model.script(callsFunctions({ name: 'f', args: '{}', id: 'c1' })), tools });
}
