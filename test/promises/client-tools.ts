import assert from 'node:assert/strict';
import type { Json } from '../support/accumulate.ts';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { callOf, create, modelRequest, stream, unprocessable } from './ask.ts';
import { promise } from './promise.ts';
import { modelInput } from './state-ask.ts';

const custom = { type: 'custom', name: 'run_sql', description: 'Runs SQL.' };

promise(
  'custom-tool.call',
  {
    says: 'a custom tool is called with text, and its output goes back to the model',
    source: 'docs/api.md',
  },
  async (door) => {
    const model = door.model.script(
      callsFunctions({ name: 'run_sql', args: '{"input":"select 1"}', id: 'c1' }),
      says('1'),
    );
    const { events, final } = await stream(door, { model, tools: [custom] });
    const [item] = final.output;
    assert.ok(item?.type === 'custom_tool_call');
    assert.match(item.id ?? '', /^ctc_/);
    const { id: _, ...rest } = item;
    assert.deepEqual(rest, {
      type: 'custom_tool_call',
      call_id: 'c1',
      name: 'run_sql',
      input: 'select 1',
      status: 'completed',
    });
    const types = events.map(({ type }) => type.replace('response.', '')).slice(2, -1);
    assert.deepEqual(types, [
      'output_item.added',
      'custom_tool_call_input.delta',
      'custom_tool_call_input.done',
      'output_item.done',
    ]);
    const [{ function: fn }] = callOf(door, model).body.tools;
    assert.deepEqual([fn.name, fn.description, fn.parameters.required], ['run_sql', 'Runs SQL.', ['input']]);
    await create(door, {
      model,
      tools: [custom],
      previous_response_id: final.id,
      input: [{ type: 'custom_tool_call_output', call_id: 'c1', output: 'one' }],
    });
    assert.deepEqual(modelInput(door, model), [
      'user: Hi',
      'assistant: run_sql {"input":"select 1"} #c1',
      'tool c1: one',
    ]);
  },
);

promise(
  'custom-tool.cut',
  { says: 'a custom tool call that was cut is incomplete, with what there is', source: 'docs/api.md' },
  async (door) => {
    const call = { index: 0, id: 'c1', type: 'function', function: { name: 'run_sql', arguments: '{"input":"sel' } };
    const model = door.model.script(sends([{ tool_calls: [call] }], 'length'));
    const { status, output } = await create(door, { model, tools: [custom] });
    assert.equal(status, 'incomplete');
    assert.partialDeepStrictEqual(output, [{ type: 'custom_tool_call', input: '{"input":"sel', status: 'incomplete' }]);
  },
);

promise(
  'custom-tool.grammar',
  {
    says: 'with grammars: refuse a grammar that the backend cannot hold the model to is 422 that names the tool',
    source: 'docs/configuration.md: agents',
  },
  async (door) => {
    const format = { type: 'grammar', syntax: 'lark', definition: 'start: "a"' };
    const fn = { type: 'function', name: 'f' };
    const model = door.model.refusing(() => assert.fail('the model is not called'));
    await unprocessable(door, { model, tools: [fn, { ...custom, format }] }, 'tools[1].format');
    const space = { type: 'namespace', name: 'n', description: 'd', tools: [fn, { ...custom, format }] };
    await unprocessable(door, { model, tools: [space] }, 'tools[0].tools[1].format');
    const input = [{ type: 'additional_tools', tools: [{ type: 'shell' }, { ...custom, format }] }];
    await unprocessable(door, { model, input }, 'input[0].tools[1].format');
    await unprocessable(door, { tools: [{ ...custom, format: { type: 'grammar' } }] }, 'tools[0].format.syntax');
  },
);

promise(
  'custom-tool.grammar-described',
  {
    says: 'a model that cannot be held to a grammar reads it',
    source: 'docs/configuration.md: agents',
  },
  async (door) => {
    const lark = { type: 'grammar', syntax: 'lark', definition: 'start: "a"' };
    const regex = { type: 'grammar', syntax: 'regex', definition: '[ab]+' };
    const model = door.model.script(callsFunctions({ name: 'run_sql', args: '{"input":"a"}', id: 'c1' }));
    const tools = [
      { ...custom, format: lark },
      { type: 'namespace', name: 'n', description: 'd', tools: [{ type: 'custom', name: 'r', format: regex }] },
    ];
    const { output, tools: echoed } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [{ type: 'custom_tool_call', name: 'run_sql', input: 'a' }]);
    assert.deepEqual(echoed, tools);
    const descriptions = callOf(door, model).body.tools.map(({ function: fn }: { function: Json }) => fn.description);
    assert.deepEqual(descriptions, [
      'Runs SQL.\n\nThe input must match this Lark grammar, to its end:\nstart: "a"',
      'Part of n: d\n\nThe input must match this regular expression, to its end:\n[ab]+',
    ]);
  },
);

promise(
  'tools.name-of-type',
  {
    says: 'a function that is called as a type of tools is not taken for it: both are there, or both are named',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const tools = [{ type: 'shell' }, { type: 'function', name: 'shell' }];
    await unprocessable(door, { tools }, 'tools');
  },
);

promise(
  'tools.long-name',
  {
    says: 'a call of a function whose name is too long for model servers is given out by its whole name, by which of both the model called it',
    source: 'OpenAI: names of functions have at most 128 characters',
  },
  async (door) => {
    const name = 'f'.repeat(81);
    const tools = [{ type: 'function', name, parameters: { type: 'object' } }];
    const short = (await modelRequest(door, { tools })).tools[0].function.name;
    assert.ok(short.length <= 64);
    for (const called of [short, name]) {
      const model = door.model.script(callsFunctions({ name: called, args: '{}', id: 'c1' }), says('ok'));
      const { id, output } = await create(door, { model, tools });
      assert.partialDeepStrictEqual(output, [{ name }]);
      const answer = { type: 'function_call_output', call_id: 'c1', output: 'x' };
      await create(door, { model, tools, previous_response_id: id, input: [answer] });
      assert.equal(door.model.calls(model).at(-1)?.body.messages[1].tool_calls[0].function.name, short);
    }
  },
);

promise(
  'tools.long-namespace',
  {
    says: 'functions of a namespace whose names are too long together stay apart, in the history as well',
    source: 'OpenAI: names of functions have at most 64 characters',
  },
  async (door) => {
    const name = 'mcp_codex_apps_google_calendar_workspace_connector_v2';
    const members = ['create_event', 'create_event_with_attendees'].map((fn) => ({ type: 'function', name: fn }));
    const tools = [{ type: 'namespace', name, description: 'd', tools: members }];
    const body = await modelRequest(door, { tools });
    const names: string[] = body.tools.map(({ function: fn }: { function: { name: string } }) => fn.name);
    assert.equal(new Set(names).size, 2);
    assert.ok(names.every((known) => /^[\w-]{1,64}$/.test(known)));
    const [, called = ''] = names;
    const model = door.model.script(callsFunctions({ name: called, args: '{}', id: 'c1' }), says('ok'));
    const { id, output } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [{ name: 'create_event_with_attendees', namespace: name }]);
    const answer = { type: 'function_call_output', call_id: 'c1', output: 'x' };
    await create(door, { model, tools, previous_response_id: id, input: [answer] });
    assert.equal(door.model.calls(model).at(-1)?.body.messages[1].tool_calls[0].function.name, called);
  },
);

promise(
  'tools.namespace',
  { says: 'functions and custom tools of a namespace keep their names for the client', source: 'openai 7.57.0 types' },
  async (door) => {
    const member = { type: 'function', name: 'search', parameters: { type: 'object' } };
    const tools = [{ type: 'namespace', name: 'crm', description: 'The CRM.', tools: [member, custom] }];
    const model = door.model.script(
      callsFunctions(
        { name: 'crm__search', args: '{}', id: 'a' },
        { name: 'crm__run_sql', args: '{"input":"x"}', id: 'b' },
      ),
      says('ok'),
    );
    const { id, output } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [
      { type: 'function_call', name: 'search', namespace: 'crm', arguments: '{}', call_id: 'a' },
      { type: 'custom_tool_call', name: 'run_sql', namespace: 'crm', input: 'x', call_id: 'b' },
    ]);
    const outputs = [
      { type: 'function_call_output', call_id: 'a', output: '1' },
      { type: 'custom_tool_call_output', call_id: 'b', output: [{ type: 'input_text', text: '2' }] },
    ];
    await create(door, { model, tools, previous_response_id: id, input: outputs });
    assert.deepEqual(modelInput(door, model), [
      'user: Hi',
      'assistant: crm__search {} #a crm__run_sql {"input":"x"} #b',
      'tool a: 1',
      'tool b: 2',
    ]);
  },
);

/** Tools of fixed shapes: the model's arguments, the item that clients see, a client's answer, and what the model reads of it. */
const fixed = [
  {
    tool: { type: 'local_shell' },
    args: { command: ['ls', '-l'], timeout_ms: 1000 },
    item: { type: 'local_shell_call', action: { type: 'exec', command: ['ls', '-l'], env: {}, timeout_ms: 1000 } },
    answer: { type: 'local_shell_call_output', id: 'c1', output: 'a b' },
    modelReads: 'a b',
  },
  {
    tool: { type: 'shell' },
    args: { commands: ['ls', 'pwd'] },
    item: {
      type: 'shell_call',
      action: { commands: ['ls', 'pwd'], timeout_ms: null, max_output_length: null },
      environment: null,
    },
    answer: {
      type: 'shell_call_output',
      call_id: 'c1',
      output: [{ stdout: 'a', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
    },
    modelReads: '[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]',
  },
  {
    tool: { type: 'apply_patch' },
    args: { type: 'update_file', path: 'a.txt', diff: '@@\n-a\n+b' },
    item: { type: 'apply_patch_call', operation: { type: 'update_file', path: 'a.txt', diff: '@@\n-a\n+b' } },
    answer: { type: 'apply_patch_call_output', call_id: 'c1', status: 'failed', output: 'no such file' },
    modelReads: 'failed: no such file',
  },
  {
    tool: { type: 'tool_search', execution: 'client', description: 'Finds tools.' },
    args: { query: 'crm' },
    item: { type: 'tool_search_call', execution: 'client', arguments: { query: 'crm' } },
    answer: { type: 'tool_search_output', call_id: 'c1', tools: [{ type: 'function', name: 'found' }] },
    modelReads: 'Found: found',
  },
];

promise(
  'client-tools.round-trip',
  {
    says: 'local_shell, shell, apply_patch and tool_search go to the client and back, by chain and by replay',
    source: 'docs/api.md',
  },
  async (door) => {
    for (const { tool, args, item, answer, modelReads } of fixed) {
      const call = callsFunctions({ name: tool.type, args: JSON.stringify(args), id: 'c1' });
      const model = door.model.script(call, says('done'));
      const { final } = await stream(door, { model, tools: [tool] });
      assert.partialDeepStrictEqual(final.output, [{ ...item, call_id: 'c1', status: 'completed' }]);
      const written = `${tool.type} ${JSON.stringify(args)} #c1`;
      const lines = ['user: Hi', `assistant: ${written}`, `tool c1: ${modelReads}`];
      await create(door, { model, tools: [tool], previous_response_id: final.id, input: [answer] });
      assert.deepEqual(modelInput(door, model).map(normal), lines.map(normal), 'by the chain');
      const input = [{ role: 'user', content: 'Hi' }, ...final.output, answer];
      await create(door, { model, tools: [tool], input });
      assert.deepEqual(modelInput(door, model).map(normal), lines.map(normal), 'replayed by the client');
    }
  },
);

/** A line without the environment that a local shell's call always has. */
function normal(line: string): string {
  return line.replace(/"env":\{\},?|,"env":\{\}/g, '');
}

promise(
  'client-tools.computer',
  { says: 'a computer that the client runs is called, and its screenshot shown', source: 'docs/api.md' },
  async (door) => {
    const actions = [{ type: 'click', button: 'left', x: 1, y: 2 }];
    const call = callsFunctions({ name: 'computer', args: JSON.stringify({ actions }), id: 'c1' });
    const model = door.model.script(call, says('done'));
    const tools = [{ type: 'computer' }];
    const { id, output } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [
      { type: 'computer_call', actions, pending_safety_checks: [], call_id: 'c1' },
    ]);
    const screenshot = { type: 'computer_screenshot', image_url: 'data:image/png;base64,AA==' };
    await create(door, {
      model,
      tools,
      previous_response_id: id,
      input: [{ type: 'computer_call_output', call_id: 'c1', output: screenshot }],
    });
    const { messages } = door.model.calls(model).at(-1)?.body ?? {};
    assert.equal(messages.at(-2).tool_call_id, 'c1');
    assert.deepEqual(messages.at(-1).content, [{ type: 'image_url', image_url: { url: screenshot.image_url } }]);
  },
);

promise(
  'client-tools.shell-events',
  { says: 'the commands of a shell call have their events', source: 'openai 7.57.0 types' },
  async (door) => {
    const call = callsFunctions({ name: 'shell', args: '{"commands":["ls","pwd"]}', id: 'c1' });
    const { events } = await stream(door, { model: door.model.script(call), tools: [{ type: 'shell' }] });
    const commands = events.flatMap((event) =>
      event.type === 'response.shell_call_command.done' ? [event.command] : [],
    );
    assert.deepEqual(commands, ['ls', 'pwd']);
  },
);

promise(
  'client-tools.search-adds',
  { says: 'tools that were found or added later can be called', source: 'openai 7.57.0 types' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const found = { type: 'function', name: 'found', parameters: { type: 'object' } };
    const input = [
      { role: 'user', content: 'Hi' },
      { type: 'tool_search_call', call_id: 'c1', arguments: { query: 'x' } },
      { type: 'tool_search_output', call_id: 'c1', tools: [found] },
      { type: 'additional_tools', tools: [{ type: 'function', name: 'added' }] },
    ];
    await create(door, { model, tools: [{ type: 'tool_search', execution: 'client' }], input });
    const { tools } = callOf(door, model).body;
    assert.deepEqual(
      tools.map(({ function: fn }: { function: { name: string } }) => fn.name),
      ['tool_search', 'found', 'added'],
    );
  },
);

promise(
  'client-tools.configuration-update',
  { says: 'the last configuration_update holds', source: 'openai 7.57.0 types' },
  async (door) => {
    const input = [
      { role: 'user', content: 'Hi' },
      { type: 'configuration_update', reasoning: { effort: 'high' }, text: { format: { type: 'text' } } },
    ];
    const body = await modelRequest(door, {
      input,
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_object' } },
    });
    assert.deepEqual([body.reasoning_effort, body.response_format], ['high', undefined]);
    assert.equal(body.messages.length, 1);
  },
);

promise(
  'tool-choice.allowed',
  { says: 'a choice among some tools, or of one that is no function, is kept to', source: 'openai 7.57.0 types' },
  async (door) => {
    const fns = ['a', 'b', 'c'].map((name) => ({ type: 'function', name }));
    const allowed = [
      { type: 'function', name: 'a' },
      { type: 'custom', name: 'run_sql' },
    ];
    const tools = [...fns, custom, { type: 'shell' }];
    for (const mode of ['auto', 'required']) {
      const tool_choice = { type: 'allowed_tools', mode, tools: allowed };
      const body = await modelRequest(door, { tools, tool_choice });
      const names = body.tools.map(({ function: fn }: { function: { name: string } }) => fn.name);
      assert.deepEqual([names, body.tool_choice], [['a', 'run_sql'], mode]);
    }
    for (const tool_choice of [{ type: 'custom', name: 'run_sql' }, { type: 'shell' }]) {
      const body = await modelRequest(door, { tools, tool_choice });
      assert.deepEqual([body.tools.length, body.tool_choice], [1, 'required']);
    }
    const nowhere = { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'z' }] };
    await unprocessable(door, { tools, tool_choice: nowhere }, 'tool_choice');
    await unprocessable(door, { tools: fns, tool_choice: { type: 'custom', name: 'x' } }, 'tool_choice');
  },
);

promise(
  'tool-choice.namespace',
  { says: 'allowed_tools may name a whole namespace, or a function of one', source: 'openai 7.57.0 types' },
  async (door) => {
    const space = (name: string) => ({ type: 'namespace', name, description: name, tools: [fn('a'), fn('b')] });
    const fn = (name: string) => ({ type: 'function', name });
    const tools = [space('crm'), space('erp'), fn('a')];
    for (const [entry, expected] of [
      [{ type: 'namespace', name: 'crm' }, ['crm__a', 'crm__b']],
      [{ type: 'function', name: 'a', namespace: 'erp' }, ['erp__a']],
      [fn('a'), ['crm__a', 'erp__a', 'a']],
    ] as const) {
      const tool_choice = { type: 'allowed_tools', mode: 'auto', tools: [entry] };
      const model = door.model.script(says('ok'));
      const response = await create(door, { model, tools, tool_choice });
      assert.deepEqual(response.tool_choice, tool_choice, 'it comes back as it was sent');
      const names = callOf(door, model).body.tools.map((tool: { function: { name: string } }) => tool.function.name);
      assert.deepEqual(names, expected);
    }
    for (const entry of [
      { type: 'namespace', name: 'hr' },
      { type: 'function', name: 'a', namespace: 'hr' },
    ]) {
      await unprocessable(
        door,
        { tools, tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [entry] } },
        'tool_choice',
      );
    }
  },
);

/** Hosted tools under the names that agents offer them by. */
const offered = [
  { type: 'web_search', external_web_access: true },
  { type: 'web_search_preview', search_context_size: 'low' },
  { type: 'web_search_preview_2025_03_11' },
  { type: 'image_generation', output_format: 'png' },
];

promise(
  'tools.dropped',
  {
    says: 'hosted tools that agents offer unasked are left out, and the reply names them, where nothing forces them',
    source: 'docs/configuration.md: agents',
  },
  async (door) => {
    const f = { type: 'function', name: 'f' };
    const allowed = (mode: string) => ({
      type: 'allowed_tools',
      mode,
      tools: [...offered.map(({ type }) => ({ type })), f],
    });
    const choices: [given: object | string | undefined, sent: string][] = [
      [undefined, 'auto'],
      ['auto', 'auto'],
      ['required', 'required'],
      [f, 'required'],
      [allowed('auto'), 'auto'],
      [allowed('required'), 'required'],
    ];
    for (const [tool_choice, sent] of choices) {
      const model = door.model.script(says('ok'));
      const body = { model, tools: [...offered, f], tool_choice };
      const reply = await post(door, { ...body, input: 'Hi' });
      assert.equal(reply.status, 200, JSON.stringify(tool_choice));
      const response: Json = await reply.json();
      const types = response.tools.map(({ type }: Json) => type);
      assert.deepEqual(types, ['function']);
      assert.equal(reply.headers.get('x-antiphon-dropped-tools'), offered.map(({ type }) => type).join(', '));
      const streamed = await post(door, { ...body, input: 'Hi', stream: true });
      assert.match(streamed.headers.get('x-antiphon-dropped-tools') ?? '', /^web_search, /);
      await streamed.text();
      for (const { body: call } of door.model.calls(model))
        assert.deepEqual([call.tools.length, call.tool_choice], [1, sent]);
    }
    const model = door.model.script(says('ok'));
    const alone = await post(door, { model, input: 'Hi', tools: offered, tool_choice: 'none' });
    assert.equal(alone.status, 200, await alone.text());
    assert.equal(callOf(door, model).body.tools, undefined);
    const added = [
      { role: 'user', content: 'Hi' },
      { type: 'additional_tools', tools: [...offered, f] },
    ];
    const later = await post(door, { model, input: added });
    assert.match(later.headers.get('x-antiphon-dropped-tools') ?? '', /image_generation$/);
    const plain = await post(door, { model, input: 'Hi', tools: [f] });
    assert.equal(plain.headers.get('x-antiphon-dropped-tools'), null);
  },
);

promise(
  'tools.dropped-forced',
  {
    says: 'a choice that forces a hosted tool that is left out is refused by its name and with the key',
    source: 'docs/configuration.md: agents',
  },
  async (door) => {
    const f = { type: 'function', name: 'f' };
    for (const tool of offered) {
      const { type } = tool;
      const named = new RegExp(`${type}, .*\\bdropTools\\b`);
      await unprocessable(door, { tools: [tool, f], tool_choice: { type } }, 'tool_choice.type', named);
      await unprocessable(door, { tools: [tool], tool_choice: 'required' }, 'tool_choice', named);
      for (const mode of ['auto', 'required']) {
        const tool_choice = { type: 'allowed_tools', mode, tools: [{ type }] };
        await unprocessable(door, { tools: [tool, f], tool_choice }, 'tool_choice', named);
        await unprocessable(door, { tools: [f], tool_choice }, 'tool_choice', /is not in tools/);
      }
    }
  },
);
