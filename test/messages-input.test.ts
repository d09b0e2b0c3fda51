import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealThought, type Thought, unsealThought } from '../handler/backend/anthropic/sealed-thought.ts';
import { toOpenAIsRequest, toOthersRequest } from '../handler/backend/responses/request.ts';
import { requestRules } from '../handler/backend/server/request-rules.ts';
import type { Item } from '../handler/items/item.ts';
import type { Json } from './support/accumulate.ts';
import { anyServer, modelCall, userMessage } from './support/backend-contract.ts';
import { refusal, said, sent, shows, thinks } from './support/messages-sent.ts';

const thought: Thought = { type: 'thinking', thinking: 'First this.', signature: 'c2lnbmVk' };
const redacted: Thought = { type: 'redacted_thinking', data: 'c2VhbGVk' };

const id = 'x_1';
const status = 'completed' as const;
const instructs = (words: string): Item => ({
  type: 'message',
  id,
  status,
  role: 'developer',
  content: [{ type: 'input_text', text: words }],
});
const calls = (call_id: string, written = '{}'): Item => ({
  type: 'function_call',
  id,
  status,
  call_id,
  name: 'f',
  arguments: written,
});
const gives = (call_id: string, output: string): Item => ({
  type: 'function_call_output',
  id,
  status,
  call_id,
  output,
});

test('ids of calls are those that the API takes, each once; answers find the latest call of theirs', () => {
  const { messages } = sent({
    input: [
      userMessage('a'),
      ...[calls('c:1'), gives('c:1', 'one'), calls('c.1'), gives('c.1', 'two')],
      ...[calls('c:1'), gives('c:1', 'three')],
    ],
  });
  const told = messages.flatMap(({ content }: Json) =>
    content.map((block: Json) => `${block.id ?? block.tool_use_id} ${block.content ?? ''}`),
  );
  assert.deepEqual(told.slice(1), ['c_1 ', 'c_1 one', 'c_1_1 ', 'c_1_1 two', 'c_1_2 ', 'c_1_2 three']);
});

test('arguments are objects as long as they are neither deep nor more than one request may have; beyond, outputs tell them', () => {
  const deep = `{"a":${'['.repeat(200)}${']'.repeat(200)}}`;
  const large = `{"a":[${'{},'.repeat(30_000)}{}]}`;
  const written = ['{"a":1}', 'cut {', deep, large, large, large, large, large, '{"a":2}'];
  const { messages } = sent({
    input: [userMessage('a'), ...written.flatMap((text, at) => [calls(`c${at}`, text), gives(`c${at}`, 'ok')])],
  });
  const inputs = messages.flatMap(({ content }: Json) => content.flatMap(({ input }: Json) => (input ? [input] : [])));
  const told = inputs.map(({ a = 'none' }: Json) => (Array.isArray(a) ? 'list' : a));
  assert.deepEqual(told, [1, 'none', 'none', 'list', 'list', 'list', 'list', 'none', 2]);
  const outputs = messages.flatMap(({ content }: Json) => content.map((block: Json) => block.content ?? ''));
  const broken = ['cut {', deep, large].map((text) =>
    outputs.filter((output: string) => output.includes(`: ${text})`)),
  );
  assert.deepEqual(
    broken.map(({ length }) => length),
    [1, 1, 1],
  );
});

test('turns alternate; what instructs is gathered; texts without a word are left out', () => {
  const { system, messages } = sent({
    instructions: 'One.',
    input: [
      instructs('Two.'),
      userMessage('a'),
      userMessage(' \n'),
      userMessage('b'),
      said('c', ''),
      said('d'),
      instructs('Three.'),
      userMessage('e'),
    ],
  });
  const blocks = (...texts: string[]) => texts.map((words) => ({ type: 'text', text: words }));
  assert.deepEqual(system, blocks('One.', 'Two.', 'Three.'));
  assert.deepEqual(messages, [
    { role: 'user', content: blocks('a', 'b') },
    { role: 'assistant', content: blocks('c', 'd') },
    { role: 'user', content: blocks('e') },
  ]);
  assert.deepEqual(
    sent({ input: [said('Welcome.'), userMessage('Hi')] }).messages.map(({ role }: Json) => role),
    ['user', 'assistant', 'user'],
  );
});

test('results stand first in the turn behind their calls, all of them together', () => {
  const use = (toolUseId: string, input: object = {}) => ({ type: 'tool_use', id: toolUseId, name: 'f', input });
  const result = (tool_use_id: string, content: string) => ({ type: 'tool_result', tool_use_id, content });
  const two = '(The arguments of this call are not a JSON object. They were written as: [1])\n\ntwo';
  const { messages } = sent({
    input: [
      userMessage('a'),
      calls('c1', '{"b":1}'),
      calls('c:2', '[1]'),
      said('Wait.'),
      gives('c1', 'one'),
      userMessage('and?'),
      gives('c:2', 'two'),
      calls('c3'),
      gives('c3', ''),
    ],
  });
  assert.deepEqual(messages.slice(1), [
    {
      role: 'assistant',
      content: [{ type: 'text', text: 'Wait.' }, use('c1', { b: 1 }), use('c_2')],
    },
    { role: 'user', content: [result('c1', 'one'), result('c_2', two), { type: 'text', text: 'and?' }] },
    { role: 'assistant', content: [use('c3')] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c3' }] },
  ]);
});

test('calls and outputs of every tool are told as those of functions', () => {
  const at = { id, status, call_id: 'c1' };
  const error = { type: 'http_error', code: 500, message: 'm' } as const;
  const items: [Item, Item | null, name: string, input: object, content: unknown][] = [
    [
      { ...at, type: 'custom_tool_call', name: 'sql', namespace: 'db', input: 'select 1' },
      { ...at, type: 'custom_tool_call_output', output: [{ type: 'input_text', text: '1' }] },
      'db__sql',
      { input: 'select 1' },
      [{ type: 'text', text: '1' }],
    ],
    [
      { ...at, type: 'local_shell_call', action: { type: 'exec', command: ['ls'], env: {}, user: null } },
      { ...at, type: 'local_shell_call_output', output: 'a' },
      'local_shell',
      { command: ['ls'], env: {} },
      'a',
    ],
    [
      { ...at, type: 'apply_patch_call', operation: { type: 'delete_file', path: 'a' } },
      { ...at, type: 'apply_patch_call_output', status: 'failed', output: 'no' },
      'apply_patch',
      { type: 'delete_file', path: 'a' },
      'failed: no',
    ],
    [
      { ...at, type: 'computer_call', actions: [{ type: 'wait' }], pending_safety_checks: [] },
      { ...at, type: 'computer_call_output', output: { type: 'computer_screenshot', image_url: 'https://a.b/c.png' } },
      'computer',
      { actions: [{ type: 'wait' }] },
      [{ type: 'image', source: { type: 'url', url: 'https://a.b/c.png' } }],
    ],
    [
      { ...at, type: 'tool_search_call', execution: 'client', arguments: { query: 'x' } },
      { ...at, type: 'tool_search_output', execution: 'client', tools: [] },
      'tool_search',
      { query: 'x' },
      'Found: nothing',
    ],
    [
      {
        ...{ type: 'mcp_call', id: 'c1', status, server_label: 's', name: 'g', arguments: '{}', output: null, error },
        approval_request_id: null,
      },
      null,
      'mcp_s__g',
      {},
      'The call failed: m',
    ],
  ];
  for (const [made, output, name, input, content] of items) {
    const { messages } = sent({ input: [userMessage('Hi'), made, ...(output ? [output] : [])] });
    assert.deepEqual(messages[1].content, [{ type: 'tool_use', id: 'c1', name, input }], name);
    const [result] = messages[2].content;
    assert.deepEqual(result.content, content, name);
    assert.equal(result.is_error, ['apply_patch', 'mcp_s__g'].includes(name) ? true : undefined, name);
  }
});

test('images and files go as they are, and what the API cannot read is refused', () => {
  const image = (image_url: string) => ({ type: 'input_image', image_url, detail: 'auto' });
  const file = (file_data: string) => ({ type: 'input_file', file_data, filename: 'a' });
  const { messages } = sent({
    input: [
      shows(
        image('https://a.b/c.png'),
        image('data:image/png;base64,AAAA'),
        image('data:image/jpg;base64,AAAA'),
        { type: 'input_file', file_url: 'https://a.b/c.pdf' },
        file('data:application/pdf;base64,AAAA'),
        file(`data:text/csv;charset=utf-8;base64,${Buffer.from('a;ü').toString('base64')}`),
      ),
    ],
  });
  assert.deepEqual(messages[0].content, [
    { type: 'image', source: { type: 'url', url: 'https://a.b/c.png' } },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' } },
    { type: 'document', source: { type: 'url', url: 'https://a.b/c.pdf' } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }, title: 'a' },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a;ü' }, title: 'a' },
  ]);
  const unread = [
    image('data:image/tiff;base64,AAAA'),
    image('data:image/png,AAAA'),
    file('data:application/zip;base64,AAAA'),
    file('AAAA'),
    file('data:text/plain;base64,!'),
  ];
  for (const part of unread) assert.equal(refusal({ input: [shows(part)] }), 'input', JSON.stringify(part));
  const [system] = [shows(image('https://a.b/c.png'))].map((item) => ({ ...item, role: 'system' }) as Item);
  assert.equal(refusal({ input: [system ?? instructs(''), userMessage('Hi')] }), 'input');
});

test('thinking goes back as it was, and what others have sealed does not', () => {
  assert.deepEqual(unsealThought(sealThought(thought)), thought);
  assert.deepEqual(unsealThought(sealThought(redacted)), redacted);
  for (const seal of [
    null,
    '',
    'gAAA',
    'anthropic.1.',
    'anthropic.1.{',
    'anthropic.1.[]',
    'anthropic.1.{"type":"text"}',
  ]) {
    assert.equal(unsealThought(seal), undefined, `${seal}`);
  }
  const input = [
    userMessage('a'),
    thinks(sealThought(thought)),
    thinks(sealThought(redacted)),
    thinks('gAAA'),
    calls('c'),
  ];
  const { messages } = sent({ input: [...input, gives('c', 'one')] });
  assert.deepEqual(messages[1].content.slice(0, -1), [thought, redacted]);
  const cut = sent({ input: [userMessage('a'), thinks(sealThought(thought)), userMessage('b')] });
  assert.deepEqual(cut.messages.length, 1, 'a turn of thinking alone is none');
});

test('what it has sealed goes to no other server', () => {
  const input = [thinks(sealThought(thought)), thinks('gAAA')];
  const openAIs = JSON.stringify(toOpenAIsRequest(modelCall({ input })));
  const others = JSON.stringify(toOthersRequest(modelCall({ input }), new Map(), requestRules(anyServer)));
  assert.ok(openAIs.includes('gAAA'));
  assert.ok(!`${openAIs}${others}`.includes('c2lnbmVk'));
});
