import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, modelRequest, refuses, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, have, type List } from './state-ask.ts';

const caller = { type: 'direct' };
const mark = { prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } };
const parts = [
  { type: 'input_text', text: 'Look.', ...mark },
  { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low', ...mark },
  { type: 'input_file', file_data: 'data:text/plain;base64,AA==', filename: 'a.txt', ...mark },
];
const annotations = [
  { type: 'url_citation', url: 'http://x.test/', title: 'X', start_index: 0, end_index: 1 },
  { type: 'file_citation', file_id: 'file_1', filename: 'a.txt', index: 0 },
];
const logprobs = [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'b', logprob: -1, bytes: [98] }] }];
const skills = [{ name: 's', description: 'd', path: '/s' }];
const status = 'completed';

/** Items as they are to be listed: with all that a client sent. */
const items = [
  { type: 'message', role: 'user', status, content: parts },
  { type: 'message', role: 'assistant', status, content: [{ type: 'output_text', text: 'a', annotations, logprobs }] },
  { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}', async: true, caller, status },
  { type: 'function_call_output', call_id: 'c1', output: parts, name: 'f', namespace: 'n', caller, status },
  { type: 'custom_tool_call', call_id: 'c2', name: 'c', input: 'x', async: false, caller, status },
  { type: 'custom_tool_call_output', call_id: 'c2', output: 'y', caller, status },
  {
    type: 'shell_call',
    call_id: 'c3',
    action: { commands: ['ls'], timeout_ms: null, max_output_length: null },
    environment: { type: 'local', skills },
    caller,
    status,
  },
  { type: 'shell_call_output', call_id: 'c3', output: [], max_output_length: null, caller, status },
  { type: 'apply_patch_call', call_id: 'c4', operation: { type: 'delete_file', path: 'a' }, caller, status },
  { type: 'apply_patch_call_output', call_id: 'c4', caller, status },
  { type: 'computer_call', call_id: 'c5', actions: [{ type: 'screenshot' }], pending_safety_checks: [], status },
  {
    type: 'computer_call_output',
    call_id: 'c5',
    output: { type: 'computer_screenshot', image_url: 'data:image/png;base64,AA==', detail: 'high', ...mark },
    status,
  },
  {
    type: 'mcp_call',
    server_label: 's',
    name: 'm',
    arguments: '{}',
    output: null,
    error: null,
    approval_request_id: 'mcpr_1',
    status,
  },
];

promise(
  'items.members-kept',
  {
    says: 'cache breakpoints, citations, log probabilities, callers and the like are kept and listed',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('ok')), input: items });
    const path = `/v1/responses/${id}/input_items?order=asc&limit=100`;
    const { data } = await have<List>(door, 'GET', path);
    assert.deepEqual(
      data.map(({ id: _, ...item }) => item),
      items,
    );
  },
  NEEDS_HEADERS,
);

promise(
  'items.members-null',
  { says: 'null stands for each of them that is not given', source: 'docs/edge-cases.md: 21' },
  async (door) => {
    const nothing = { caller: null, async: null, name: null, namespace: null };
    const content = [
      { type: 'input_text', text: 'Hi', prompt_cache_breakpoint: null },
      { type: 'input_image', image_url: 'data:image/png;base64,AA==', file_id: null },
    ];
    const input = [
      { role: 'user', content },
      { role: 'assistant', content: [{ type: 'output_text', text: 'a', annotations: null, logprobs: null }] },
      { ...nothing, type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { ...nothing, type: 'function_call_output', call_id: 'c1', output: '' },
    ];
    await modelRequest(door, { input });
  },
);

promise(
  'items.foreign-servers',
  {
    says: "servers other than OpenAI's are not sent what only those know",
    source: 'docs/backends.md: servers refuse unknown members',
  },
  async (door) => {
    const model = door.model.native(answers(message('ok')));
    await create(door, { model, input: items, tools: [{ ...fn, output_schema: {}, allowed_callers: ['direct'] }] });
    const { input, tools } = callOf(door, model).body;
    assert.doesNotMatch(JSON.stringify(input), /caller|async|breakpoint|annotations|logprobs/);
    assert.deepEqual(tools, [fn]);
  },
);

const fn = { type: 'function', name: 'f' };

promise(
  'tools.members-echoed',
  { says: 'a tool is echoed with all its members', source: 'openai 7.57.0 types' },
  async (door) => {
    const members = { allowed_callers: ['direct'], async: false, defer_loading: false };
    const custom = { type: 'custom', name: 'c', ...members };
    const known = { description: null, parameters: null, strict: false };
    const tools = [
      { ...fn, ...known, ...members, output_schema: { type: 'object' } },
      { ...fn, ...known, name: 'g', allowed_callers: null },
      custom,
      { type: 'namespace', name: 'n', description: 'd', tools: [{ ...custom, name: 'd' }] },
      { type: 'shell', allowed_callers: ['direct'] },
      { type: 'apply_patch', allowed_callers: ['direct'] },
    ];
    const model = door.model.script(says('ok'));
    const response = await create(door, { model, tools });
    assert.deepEqual(response.tools, tools);
    assert.deepEqual(callOf(door, model).body.tools[0], { type: 'function', function: { name: 'f', strict: false } });
  },
);

promise(
  'tools.programmatic',
  {
    says: 'tools for programs, and calls by them, are 422: there is no programmatic tool calling',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    for (const tool of [fn, { type: 'custom', name: 'c' }, { type: 'shell' }, { type: 'apply_patch' }]) {
      const only = { tools: [{ ...tool, allowed_callers: ['programmatic'] }] };
      await unprocessable(door, only, 'tools[0].allowed_callers[0]', /is not supported/);
      const also = { tools: [{ ...tool, allowed_callers: ['direct', 'programmatic'] }] };
      await unprocessable(door, also, 'tools[0].allowed_callers[1]', /is not supported/);
    }
    const program = { type: 'program', caller_id: 'p1' };
    for (const item of items.filter((item) => 'caller' in item)) {
      const input = [{ ...item, caller: program }];
      await unprocessable(door, { input }, 'input[0].caller.type', /is not supported/);
    }
  },
);

promise(
  'tools.async',
  { says: 'an asynchronous tool is 422 where the model would wait for its output', source: 'openai 7.57.0 types' },
  async (door) => {
    const tools = [fn, { type: 'namespace', name: 'n', description: 'd', tools: [{ ...fn, async: true }] }];
    await unprocessable(door, { tools }, 'tools[1].tools[0].async', /is not supported/);
    const input = [{ type: 'additional_tools', tools: [{ type: 'custom', name: 'c', async: true }] }];
    await unprocessable(door, { input }, 'input[0].tools[0].async', /is not supported/);
    const left = [
      { role: 'user', content: 'Hi' },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
    ];
    await unprocessable(door, { input: [{ ...left[1], async: true }] }, 'input', /asynchronous/);
  },
);

promise('input.file-id', { says: 'a file by its id is 422 that names the id', source: 'docs/api.md' }, async (door) => {
  const content = (part: object) => ({ input: [{ role: 'user', content: [parts[0], part] }] });
  for (const type of ['input_image', 'input_file']) {
    const param = 'input[0].content[1].file_id';
    await unprocessable(door, content({ type, file_id: 'file_1' }), param, /is not supported/);
  }
  const output = { type: 'computer_screenshot', file_id: 'file_1' };
  const input = [items.find(({ type }) => type === 'computer_call'), { ...items[11], output }];
  await unprocessable(door, { input }, 'input[1].output.file_id', /is not supported/);
});

promise(
  'reasoning.mode',
  { says: 'reasoning.mode pro is handed on where the server has it, else 422', source: 'openai 7.57.0 types' },
  async (door) => {
    const model = door.model.native(answers(message('ok')));
    const { reasoning } = await create(door, { model, reasoning: { mode: 'pro' } });
    assert.partialDeepStrictEqual(reasoning, { mode: 'pro' });
    assert.deepEqual(callOf(door, model).body.reasoning, { mode: 'pro' });
    await unprocessable(door, { reasoning: { mode: 'pro' } }, 'reasoning.mode', /is not supported/);
    await unprocessable(door, { model: 'demo', reasoning: { mode: 'pro' } }, 'reasoning.mode', /is not supported/);
    await modelRequest(door, { reasoning: { mode: 'standard' } });
  },
);

const hosted = [
  { type: 'file_search', vector_store_ids: ['v'] },
  { type: 'code_interpreter', container: { type: 'auto' } },
  { type: 'programmatic_tool_calling' },
];

const hostedItems = ['program', 'program_output'];

promise(
  'validation.hosted',
  {
    says: 'items, tools and choices of what OpenAI hosts are 422 that says that they are not supported',
    source: 'docs/errors.md',
  },
  async (door) => {
    for (const tool of hosted) {
      await unprocessable(door, { tools: [fn, tool] }, 'tools[1].type', /support/);
      await unprocessable(door, { tools: [fn], tool_choice: tool }, 'tool_choice.type', /is not supported/);
      const input = [
        { role: 'user', content: 'Hi' },
        { type: 'additional_tools', tools: [tool] },
      ];
      await unprocessable(door, { input }, 'input[1].tools[0].type', /support/);
    }
    for (const type of hostedItems) {
      const input = [
        { role: 'user', content: 'Hi' },
        { type, id: 'x_1', call_id: 'c1' },
      ];
      await unprocessable(door, { input }, 'input[1].type', /is not supported/);
    }
    for (const type of ['container_auto', 'container_reference']) {
      const tools = [{ type: 'shell', environment: { type } }];
      await unprocessable(door, { tools }, 'tools[0].environment.type', /is not supported/);
    }
  },
);

promise(
  'validation.added-tools',
  { says: 'a wrong tool inside an item is named by its place', source: 'docs/errors.md' },
  async (door) => {
    if (door.name !== 'envoy-original') {
      const items = [{ type: 'additional_tools', tools: [{ type: 'shell', environment: { type: 'nowhere' } }] }];
      const reply = await ask(door, 'POST', '/v1/conversations', { items });
      await refuses(reply, { status: 422, code: 422, param: 'items[0].tools[0].environment.type' });
    }
    const wrong = [{ type: 'shell' }, { ...fn, name: 'a b' }];
    const found = { type: 'tool_search_output', call_id: 'c1', tools: wrong };
    const input = [{ type: 'tool_search_call', call_id: 'c1', arguments: {} }, found];
    await unprocessable(door, { input }, 'input[1].tools[1].name');
    await unprocessable(door, { input: [{ type: 'additional_tools', tools: wrong }] }, 'input[0].tools[1].name');
  },
);

promise(
  'validation.inherited-names',
  {
    says: 'names that every object has are refused where the client names its own, never dropped',
    source: 'docs/errors.md: nothing is accepted and ignored',
  },
  async (door) => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const given = JSON.parse(`{"a":"b","${name}":"c"}`);
      await unprocessable(door, { metadata: given }, 'metadata');
      await unprocessable(door, { prompt: { id: 'greeting', variables: given } }, 'prompt.variables');
      const action = { type: 'exec', command: ['ls'], env: given };
      await unprocessable(
        door,
        { input: [{ type: 'local_shell_call', call_id: 'c1', action }] },
        'input[0].action.env',
      );
    }
    const metadata = { toString: 'a', hasOwnProperty: 'b' };
    const response = await create(door, { model: door.model.script(says('ok')), metadata });
    assert.deepEqual(response.metadata, metadata);
  },
);

promise(
  'pages.limit-digits',
  { says: 'limit is written in digits', source: 'docs/api.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('ok')) });
    for (const limit of ['0x10', '1e1', '%205', '5%20', '+5', '5.0', '-5', '', '0', '101']) {
      const reply = await ask(door, 'GET', `/v1/responses/${id}/input_items?limit=${limit}`);
      const { error } = JSON.parse(await reply.text());
      assert.deepEqual([reply.status, error?.param], [422, 'limit'], limit);
    }
    await have<List>(door, 'GET', `/v1/responses/${id}/input_items?limit=05`);
  },
  NEEDS_HEADERS,
);
