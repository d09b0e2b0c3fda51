import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { outlineOf, protocols } from '../support/history-sent.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { promise } from './promise.ts';

// The order and the form in which a conversation goes to a model's server: one that any server takes.

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' } }];
const user = (content: string) => ({ role: 'user', content });
const said = (content: string) => ({ role: 'assistant', content });
const thought = (text: string) => ({ type: 'reasoning', summary: [{ type: 'summary_text', text }] });
const call = (call_id: string, args = '{}') => ({ type: 'function_call', call_id, name: 'f', arguments: args });
const output = (call_id: string, text: string) => ({ type: 'function_call_output', call_id, output: text });

/** Asserts what the model of every protocol is told of an input. */
async function tellsAll(door: Door, input: object[], lines: string[]): Promise<void> {
  for (const [name, { says: speaks, model: open }] of Object.entries(protocols)) {
    const model = open(door, speaks('ok'));
    await create(door, { model, input, tools });
    const [sent] = door.model.calls(model);
    // Anthropic's takes only thinking that it has signed.
    const told = name === 'anthropic' ? lines.filter((line) => !line.startsWith('thought')) : lines;
    assert.deepEqual(outlineOf(sent?.body), told, name);
  }
}

promise(
  'history.pairs',
  {
    says: 'a call and its output stay together: all calls of one turn in one assistant message behind its text, their outputs behind them, and then what came between',
    source: 'docs/edge-cases.md: 26 (litellm#18226)',
  },
  async (door) => {
    const [first, second] = ['call c1 f {}', 'call c2 f {}'];
    await tellsAll(
      door,
      [user('Hi'), call('c1'), user('Hurry.'), output('c1', 'one')],
      ['user: Hi', first, 'output c1: one', 'user: Hurry.'],
    );
    await tellsAll(
      door,
      [user('Hi'), call('c1'), said('Let me see.'), call('c2'), output('c2', 'two'), user('So?'), output('c1', 'one')],
      ['user: Hi', 'assistant: Let me see.', first, second, 'output c2: two', 'output c1: one', 'user: So?'],
    );
    await tellsAll(
      door,
      [user('Hi'), call('c1'), call('c2'), output('c1', 'one'), said('One.'), output('c2', 'two'), user('So?')],
      ['user: Hi', first, second, 'output c1: one', 'output c2: two', 'assistant: One.', 'user: So?'],
    );
  },
);

promise(
  'history.one-message',
  {
    says: "a model's text, reasoning and calls of one turn are one chat message, though text came after a call",
    source: 'docs/edge-cases.md: 26 (litellm#18226)',
  },
  async (door) => {
    const deltas = [
      { reasoning_content: 'Hm.' },
      { tool_calls: [{ index: 0, id: 'c1', function: { name: 'f', arguments: '{}' } }] },
      { content: 'Let me see.' },
    ];
    const model = door.model.script(sends(deltas, 'tool_calls'), says('ok'));
    const { id } = await create(door, { model, tools });
    await create(door, { model, tools, previous_response_id: id, input: [output('c1', 'one')] });
    const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }];
    assert.deepEqual(door.model.calls(model)[1]?.body.messages.slice(1), [
      { role: 'assistant', content: 'Let me see.', reasoning_content: 'Hm.', tool_calls },
      { role: 'tool', tool_call_id: 'c1', content: 'one' },
    ]);
  },
);

promise(
  'history.broken-arguments',
  {
    says: 'a call whose arguments are not a JSON object goes back with none, and its output says what they were',
    source: 'docs/edge-cases.md: 31 (vllm#43995)',
  },
  async (door) => {
    for (const written of ['{"city": Oslo}', '[1]', '"Oslo"', 'null', '{"a":1}{"a":1}', '{"a']) {
      const note = `(The arguments of this call are not a JSON object. They were written as: ${written})`;
      await tellsAll(
        door,
        [user('Hi'), call('c1', written), call('c2', ' '), output('c1', 'no'), output('c2', '')],
        ['user: Hi', 'call c1 f {}', 'call c2 f {}', `output c1: ${note}\n\nno`, 'output c2: '],
      );
    }
    const broken = callsFunctions({ name: 'f', args: '{"city": Oslo}', id: 'c1' });
    const model = door.model.script(broken, says('ok'));
    const { id, output: items } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(items, [{ type: 'function_call', arguments: '{"city": Oslo}' }]);
    const parts = [{ type: 'input_text', text: 'no' }];
    const input = [{ ...output('c1', ''), output: parts }];
    await create(door, { model, tools, previous_response_id: id, input });
    const { messages } = door.model.calls(model)[1]?.body ?? {};
    assert.equal(messages[1].tool_calls[0].function.arguments, '{}');
    assert.match(JSON.stringify(messages[2].content), /written as: .*Oslo.*"no"/);
  },
);

promise(
  'history.reasoning-alone',
  {
    says: 'a turn of reasoning alone has an empty text, and of several reasoning items in a row all reach the model',
    source: 'docs/edge-cases.md: 7 (mlx-vlm#1046)',
  },
  async (door) => {
    const model = door.model.script(sends([{ reasoning: 'Hm, let me' }], 'length'), says('ok'));
    const { id } = await create(door, { model, max_output_tokens: 16 });
    await create(door, { model, previous_response_id: id, input: 'Go on.' });
    assert.deepEqual(door.model.calls(model)[1]?.body.messages.slice(1), [
      { role: 'assistant', content: '', reasoning: 'Hm, let me' },
      user('Go on.'),
    ]);
    for (const last of [said('Yes'), call('c1')]) {
      const input = [user('Hi'), thought('One.'), thought('Two.'), last, thought('Three.')];
      const all = [...input, ...('call_id' in last ? [output('c1', 'one')] : []), user('So?')];
      for (const { says: speaks, model: open } of [protocols.chat, protocols.responses]) {
        const asked = open(door, speaks('ok'));
        await create(door, { model: asked, input: all, tools });
        const told = outlineOf(door.model.calls(asked)[0]?.body).join('\n');
        assert.match(told, /One\..*Two\..*Three\./s);
      }
    }
  },
);

promise(
  'history.cut-call',
  {
    says: 'a call that was cut is left out, unless the client answers it: then it goes back with its output',
    source: 'docs/edge-cases.md: 31 (vllm#43995)',
  },
  async (door) => {
    const cut = { tool_calls: [{ index: 0, id: 'c1', function: { name: 'f', arguments: '{"a' } }] };
    for (const answered of [false, true]) {
      const model = door.model.script(sends([cut], 'length'), says('ok'));
      const { id, output: items } = await create(door, { model, tools });
      assert.partialDeepStrictEqual(items, [{ type: 'function_call', status: 'incomplete', arguments: '{"a' }]);
      const next = [...(answered ? [output('c1', 'no')] : []), user('So?')];
      await create(door, { model, tools, previous_response_id: id, input: next });
      await create(door, { model, tools, store: false, input: [user('Hi'), ...items, ...next] });
      for (const { body } of door.model.calls(model).slice(1)) {
        const roles = body.messages.map(({ role }: { role: string }) => role);
        assert.deepEqual(roles, answered ? ['user', 'assistant', 'tool', 'user'] : ['user', 'user']);
      }
    }
  },
);

promise(
  'history.namespace',
  {
    says: 'a namespace that is equal to the name of its function is none to the model',
    source: 'clients: VS Code sends it so, and OpenAI names a deferred function so',
  },
  async (door) => {
    const named = { ...call('c1'), namespace: 'f' };
    const input = [user('Hi'), named, output('c1', 'one')];
    await tellsAll(door, input, ['user: Hi', 'call c1 f {}', 'output c1: one']);
  },
);
