import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { post } from '../support/doors/door.ts';
import { type Given, gives, type McpServer, RpcError } from '../support/mcp-server.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { create, refuses, stream, unprocessable } from './ask.ts';
import { add, callOf, entryFor, tool } from './mcp-ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have, modelInput, until } from './state-ask.ts';

const TYPES = 'openai 7.57.0 types: Tool.Mcp';
const PAGE = 'docs/mcp.md';

promise(
  'mcp.stream',
  {
    says: 'a server is listed, its tool called, and the model answers, with the events of OpenAI, in every era of MCP',
    source: TYPES,
  },
  async (door) => {
    for (const era of ['2025', '2026', 'sse'] as const) {
      const server = door.model.mcp.serve([add], { era });
      const model = door.model.script(callsFunctions(callOf(server)), says('5'));
      const { events, final } = await stream(door, { model, tools: [entryFor(server)] });
      assert.deepEqual(outline(events).slice(2, -7), [
        'output_item.added 0 mcp_list_tools',
        'mcp_list_tools.in_progress 0',
        'mcp_list_tools.completed 0',
        'output_item.done 0 mcp_list_tools',
        'output_item.added 1 mcp_call in_progress',
        'mcp_call.in_progress 1',
        'mcp_call_arguments.delta 1 {"a":2,"b":3}',
        'mcp_call_arguments.done 1 {"a":2,"b":3}',
        'mcp_call.completed 1',
        'output_item.done 1 mcp_call completed',
      ]);
      const [first, second] = events.filter(({ type }) => type === 'response.output_item.added');
      assert.partialDeepStrictEqual(first, { item: { type: 'mcp_list_tools', tools: [] } });
      assert.partialDeepStrictEqual(second, { item: { arguments: '', output: null, error: null } });
      const [list, call] = final.output.map(({ id: _, ...item }) => item);
      const annotations = { read_only: true };
      assert.deepEqual(list, {
        type: 'mcp_list_tools',
        server_label: server.label,
        tools: [{ name: 'add', description: add.description, input_schema: add.inputSchema, annotations }],
      });
      assert.deepEqual(call, {
        type: 'mcp_call',
        server_label: server.label,
        name: 'add',
        arguments: '{"a":2,"b":3}',
        output: '5',
        error: null,
        approval_request_id: null,
        status: 'completed',
      });
    }
  },
);

promise(
  'mcp.model-reads',
  {
    says: 'the model is offered the tools as functions named by server and tool, and reads what they gave',
    source: PAGE,
  },
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const model = door.model.script(callsFunctions(callOf(server)), says('5'), says('Yes.'));
    const { id } = await create(door, { model, tools: [entryFor(server, { server_description: 'Knows numbers.' })] });
    const { $schema: _, ...parameters } = add.inputSchema as { $schema: string };
    const { body } = door.model.calls(model)[0] ?? assert.fail('a call');
    assert.partialDeepStrictEqual(body.tools[0].function, { name: `mcp_${server.label}__add`, parameters });
    assert.match(body.tools[0].function.description, /^Adds two numbers\.\n.*Knows numbers\./);
    assert.equal('$schema' in body.tools[0].function.parameters, false);
    const told = modelInput(door, model);
    assert.deepEqual(told.slice(1), [`assistant: mcp_${server.label}__add {"a":2,"b":3} #c1`, 'tool c1: 5']);
    await create(door, { model, previous_response_id: id, input: 'Sure?' });
    const later = modelInput(door, model).map((line) => line.replace(/mcp_[\da-f]{48}/, 'c1'));
    assert.deepEqual(later.slice(1, 3), told.slice(1));
  },
);

promise(
  'mcp.parallel',
  { says: 'servers are listed at the same time, and equal names of two are two functions', source: PAGE },
  async (door) => {
    const servers = [1, 2, 3].map((number) => door.model.mcp.serve([tool('get', `of ${number}`)]));
    const model = door.model.script(
      callsFunctions(...servers.map((server, index) => callOf(server, { name: 'get', args: {}, id: `c${index}` }))),
      says('ok'),
    );
    const { events, final } = await stream(door, { model, tools: servers.map((server) => entryFor(server)) });
    const types = outline(events).slice(2, 8);
    assert.deepEqual(types.sort(), [
      ...[0, 1, 2].map((index) => `mcp_list_tools.in_progress ${index}`),
      ...[0, 1, 2].map((index) => `output_item.added ${index} mcp_list_tools`),
    ]);
    const calls = final.output.filter((item) => item.type === 'mcp_call');
    assert.deepEqual(
      calls.map(({ server_label, output }) => [server_label, output]),
      servers.map(({ label }, index) => [label, `of ${index + 1}`]),
    );
  },
);

promise(
  'mcp.list-in-context',
  {
    says: 'a list that is in the context is not shown again, unless it is another; what a client says of a list is not believed',
    source: TYPES,
  },
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const model = door.model.script(says('ok'));
    const tools = [entryFor(server)];
    const first = await create(door, { model, tools });
    assert.equal(first.output[0]?.type, 'mcp_list_tools');
    const next = { model, tools, previous_response_id: first.id, input: 'And now?' };
    const second = await create(door, next);
    assert.deepEqual(
      second.output.map(({ type }) => type),
      ['message'],
    );
    assert.equal(server.of('tools/list').length, 1);
    assert.equal(door.model.calls(model)[1]?.body.tools.length, 1);
    const forged = { ...first.output[0], tools: [{ name: 'drop', description: 'Drops.', input_schema: {} }] };
    const input = [{ role: 'user', content: 'Hi' }, forged, { role: 'user', content: 'And now?' }];
    const third = await create(door, { model, tools, input, store: false });
    assert.equal(third.output[0]?.type, 'mcp_list_tools');
    const names = door.model
      .calls(model)[2]
      ?.body.tools.map((one: { function: { name: string } }) => one.function.name);
    assert.deepEqual(names, [`mcp_${server.label}__add`]);
  },
);

promise(
  'mcp.allowed',
  { says: 'allowed_tools names tools, or those that change nothing, or both', source: TYPES },
  async (door) => {
    const server = door.model.mcp.serve([add, tool('drop'), { ...tool('get'), annotations: { readOnlyHint: true } }]);
    for (const [allowed_tools, expected] of [
      [['drop', 'none'], ['drop']],
      [{ tool_names: ['add', 'drop'] }, ['add', 'drop']],
      [{ read_only: true }, ['add', 'get']],
      [{ tool_names: ['add', 'drop'], read_only: false }, ['drop']],
      [null, ['add', 'drop', 'get']],
    ] as const) {
      const model = door.model.script(says('ok'));
      const { output } = await create(door, { model, tools: [entryFor(server, { allowed_tools })] });
      const [list] = output;
      assert.ok(list?.type === 'mcp_list_tools');
      assert.deepEqual(
        list.tools.map(({ name }) => name),
        expected,
      );
      assert.equal(door.model.calls(model)[0]?.body.tools.length, expected.length);
    }
    const none = await create(door, {
      model: door.model.script(says('ok')),
      tools: [entryFor(server, { allowed_tools: [] })],
    });
    assert.partialDeepStrictEqual(none.output[0], { type: 'mcp_list_tools', tools: [], error: null });
  },
);

const failures: [run: () => Given, error: object, told: RegExp][] = [
  [
    () => ({ content: [{ type: 'text', text: 'No such city.' }], isError: true }),
    { type: 'mcp_tool_execution_error', content: [{ type: 'text', text: 'No such city.' }] },
    /The tool failed: No such city\./,
  ],
  [
    () => {
      throw new RpcError(-32_001, 'Out of paper.');
    },
    { type: 'mcp_protocol_error', code: -32_001, message: 'Out of paper.' },
    /The call failed: Out of paper\./,
  ],
  [
    // What the tool itself has asked was not found: its session is not lost, and it has run.
    () => {
      throw new RpcError(-32_002, 'No such city.', { status: 404 });
    },
    { type: 'mcp_protocol_error', code: -32_002, message: 'No such city.' },
    /The call failed: No such city\./,
  ],
];

promise(
  'mcp.failed',
  {
    says: 'a call that fails is an item that says so, in the three shapes there are, and the model goes on',
    source: TYPES,
  },
  async (door) => {
    for (const [run, error, told] of failures)
      await fails(door, (server) => (server.script.tools = [{ name: 'add', run }]), error, told);
    await fails(
      door,
      (server) => (server.script.status = 503),
      { type: 'http_error', code: 503, message: 'The server answered HTTP 503.' },
      /HTTP 503/,
    );
  },
);

/** A server fails a call in this way. */
async function fails(door: Door, breaks: (server: McpServer) => void, error: object, told: RegExp) {
  const server = door.model.mcp.serve([add]);
  const breaking = door.model.script(async (turn) => {
    breaks(server);
    await callsFunctions(callOf(server))(turn);
  }, says('So be it.'));
  const { events, final } = await stream(door, { model: breaking, tools: [entryFor(server)] });
  assert.equal(final.status, 'completed');
  assert.partialDeepStrictEqual(final.output[1], { type: 'mcp_call', status: 'failed', output: null, error });
  assert.deepEqual(outline(events).slice(10, 12), ['mcp_call.failed 1', 'output_item.done 1 mcp_call failed']);
  assert.match(modelInput(door, breaking).at(-1) ?? '', told);
  assert.equal(server.of('tools/call').length, 1);
  assert.equal(server.sessions.size, server.script.status ? 1 : 0);
}

promise(
  'mcp.not-listed',
  {
    says: 'a server whose tools cannot be listed fails the request with 424, and a 401 says what to send',
    source: PAGE,
  },
  async (door) => {
    const model = door.model.script(says('never'));
    const challenge = 'Bearer scope="read", resource_metadata="https://mcp.example/meta"';
    for (const [script, says] of [
      [{ status: 500 }, /The server answered HTTP 500/],
      [
        { token: 'the-right-token', challenge },
        /asks for a token \(scope read, see https:\/\/mcp.example\/meta\)\. Send one/,
      ],
    ] as const) {
      const server = door.model.mcp.serve([add], script);
      const tools = [entryFor(server)];
      const reply = await post(door, { model, input: 'Hi', tools });
      const expected = { status: 424, code: 'http_error', type: 'external_connector_error', param: 'tools' };
      const message = await refuses(reply, expected);
      assert.match(
        message,
        new RegExp(`Error retrieving tool list from MCP server: '${server.label}'\\. Http status code: 424`),
      );
      assert.match(message, says);
    }
    const server = door.model.mcp.serve([add], { token: 'the-right-token' });
    const wrong = await post(door, {
      model,
      input: 'Hi',
      tools: [entryFor(server, { authorization: 'a-wrong-token' })],
    });
    assert.equal(wrong.status, 424);
    const text = await wrong.text();
    assert.match(text, /does not take the token/);
    assert.doesNotMatch(text, /a-wrong-token/);
    assert.equal(door.model.calls(model).length, 0);
  },
);

promise(
  'mcp.not-listed-events',
  { says: 'a stream that has begun tells of a list that failed, and then fails', source: TYPES },
  async (door) => {
    const server = door.model.mcp.serve([add], { status: 500 });
    const model = door.model.script(says('never'));
    const { events, final } = await stream(door, { model, tools: [entryFor(server)], background: true });
    assert.equal(final.status, 'failed');
    assert.deepEqual(outline(events).slice(3), [
      'output_item.added 0 mcp_list_tools',
      'mcp_list_tools.in_progress 0',
      'mcp_list_tools.failed 0',
      'output_item.done 0 mcp_list_tools',
      'error',
      'failed',
    ]);
    assert.partialDeepStrictEqual(final.output, [{ tools: [], error: 'The server answered HTTP 500.' }]);
  },
  NEEDS_HEADERS,
);

promise(
  'mcp.credentials',
  {
    says: 'authorization goes to the server as a bearer token, headers as they are, and neither is in a response or an item',
    source: TYPES,
  },
  async (door) => {
    const authorization = 'a-token-of-the-client';
    const repeats = {
      name: 'add',
      run: (_: unknown, { headers }: { headers: object }) => gives(`I got ${JSON.stringify(headers)}`),
    };
    const server = door.model.mcp.serve([repeats], { token: authorization });
    const model = door.model.script(callsFunctions(callOf(server)), says('ok'));
    const headers = { 'X-Api-Key': 'a-key-of-the-client', 'x-team': 'blue' };
    const tools = [entryFor(server, { authorization, headers })];
    const { events, final } = await stream(door, { model, tools });
    const got = server.of('tools/call')[0]?.headers ?? assert.fail('a call');
    assert.equal(got.authorization, `Bearer ${authorization}`);
    assert.equal(got['x-api-key'], headers['X-Api-Key']);
    assert.equal(got['x-team'], 'blue');
    assert.deepEqual(final.tools, [
      {
        type: 'mcp',
        server_label: server.label,
        server_url: `${new URL(server.url).origin}/<redacted>`,
        authorization: '<redacted>',
        headers: { 'X-Api-Key': '<redacted>', 'x-team': '<redacted>' },
        require_approval: 'never',
        allowed_tools: null,
        server_description: null,
      },
    ]);
    assert.partialDeepStrictEqual(final.output[1], { type: 'mcp_call', status: 'completed' });
    const texts = [JSON.stringify(events), JSON.stringify(door.model.calls(model).map(({ body }) => body))];
    if (door.name !== 'envoy-original')
      texts.push(JSON.stringify(await have(door, 'GET', `/v1/responses/${final.id}`)));
    for (const text of texts) assert.doesNotMatch(text, /of-the-client/);
  },
);

promise(
  'mcp.content',
  {
    says: 'images and resources of a result reach the model, structured content where there is nothing else',
    source: PAGE,
  },
  async (door) => {
    const image = { type: 'image', data: 'AA==', mimeType: 'image/png' };
    const server = door.model.mcp.serve([
      { name: 'draw', run: () => ({ content: [{ type: 'text', text: 'Drawn.' }, image] }) },
      { name: 'count', run: () => ({ structuredContent: { count: 3 } }) },
    ]);
    const model = door.model.script(
      callsFunctions(callOf(server, { name: 'draw', args: {} }), callOf(server, { name: 'count', args: {}, id: 'c2' })),
      says('ok'),
    );
    const { output } = await create(door, { model, tools: [entryFor(server)] });
    const [draw, count] = output.filter((item) => item.type === 'mcp_call');
    assert.deepEqual(JSON.parse(draw?.output ?? ''), [{ type: 'text', text: 'Drawn.' }, image]);
    assert.equal(count?.output, '{"count":3}');
    const told = JSON.stringify(door.model.calls(model)[1]?.body.messages);
    assert.match(told, /data:image\/png;base64,AA==/);
    assert.match(told, /Drawn\./);
  },
);

promise(
  'mcp.sessions',
  { says: 'a turn has one session with a server, which it ends, however it ends', source: PAGE },
  async (door) => {
    for (const era of ['2025', 'sse'] as const) {
      const server = door.model.mcp.serve([add], { era });
      const tools = [entryFor(server)];
      const four = [1, 2, 3, 4].map((number) => callOf(server, { args: { a: number, b: 1 }, id: `c${number}` }));
      const model = door.model.script(callsFunctions(...four), callsFunctions(callOf(server)), says('ok'));
      const { output } = await create(door, { model, tools });
      assert.equal(output.filter(({ type }) => type === 'mcp_call').length, 5);
      await until(() => server.sessions.size === 0);
      assert.equal(server.begun, 1);
      await create(door, { model: door.model.script(says('ok')), tools });
      assert.equal(server.begun, 1, 'a turn whose list is known, and which calls nothing, needs none');
      const cut = door.model.script(callsFunctions(callOf(server)), (turn) => turn.cut());
      assert.equal((await stream(door, { model: cut, tools })).final.status, 'failed');
      await until(() => server.sessions.size === 0);
      assert.equal(server.begun, 2);
    }
  },
);

promise(
  'mcp.lost-session',
  { says: 'a session that the server has lost is begun again, and the call made', source: PAGE },
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const model = door.model.script(async (turn) => {
      server.sessions.clear();
      await callsFunctions(callOf(server))(turn);
    }, says('5'));
    const { output } = await create(door, { model, tools: [entryFor(server)] });
    assert.partialDeepStrictEqual(output[1], { type: 'mcp_call', output: '5', status: 'completed' });
    assert.equal(server.begun, 2);
  },
);

promise(
  'mcp.pages',
  { says: 'a list of several pages is one list', source: 'MCP 2026-07-28: pagination' },
  async (door) => {
    for (const era of ['2025', '2026'] as const) {
      const names = Array.from({ length: 7 }, (_, index) => `tool-${index}`);
      const server = door.model.mcp.serve(
        names.map((name) => tool(name)),
        { era, page: 3 },
      );
      const { output } = await create(door, { model: door.model.script(says('ok')), tools: [entryFor(server)] });
      assert.ok(output[0]?.type === 'mcp_list_tools');
      assert.deepEqual(
        output[0].tools.map(({ name }) => name),
        names,
      );
    }
  },
);

promise(
  'mcp.bad-arguments',
  { says: 'arguments that are no object are a failed call, and reach no server', source: PAGE },
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const model = door.model.script(callsFunctions(callOf(server, { args: '[1]' })), says('ok'));
    const { output } = await create(door, { model, tools: [entryFor(server)] });
    assert.partialDeepStrictEqual(output[1], {
      status: 'failed',
      error: { type: 'mcp_protocol_error', code: -32_602 },
    });
    assert.equal(server.of('tools/call').length, 0);
  },
);

promise(
  'mcp.none-such',
  {
    says: 'a call of a tool that a server of the request does not have, or may not be used, is not for the client: the model is told, and goes on',
    source: PAGE,
  },
  async (door) => {
    const server = door.model.mcp.serve([add, tool('drop')]);
    for (const name of ['guessed', 'drop']) {
      const model = door.model.script(callsFunctions(callOf(server, { name, args: {} })), says('I cannot.'));
      const { output } = await create(door, { model, tools: [entryFor(server, { allowed_tools: ['add'] })] });
      assert.deepEqual(
        output.map(({ type }) => type),
        ['mcp_list_tools', 'message'],
      );
      const { messages } = door.model.calls(model)[1]?.body ?? {};
      assert.equal(messages.at(-1).content, 'Not run: there is no such function.');
    }
  },
);

promise('mcp.bad-input', { says: 'a wrong entry is 422 that names the field', source: TYPES }, async (door) => {
  const good = { type: 'mcp', server_label: 's', server_url: 'https://mcp.example/' };
  for (const [more, field, says] of [
    [{ server_label: null }, 'server_label'],
    [{ server_label: 'a b' }, 'server_label'],
    [{ server_url: 'ftp://mcp.example/' }, 'server_url'],
    [{ server_url: 'https://u:p@mcp.example/' }, 'server_url'],
    [{ server_url: null }, 'server_url'],
    [{ connector_id: 'x' }, 'connector_id'],
    [
      { server_url: null, connector_id: 'connector_dropbox' },
      'connector_id',
      /connector_id "connector_dropbox" is no label/,
    ],
    [{ authorization: '' }, 'authorization'],
    [{ authorization: 'a\nb' }, 'authorization'],
    [{ authorization: 'a', headers: { Authorization: 'b' } }, 'authorization'],
    [{ headers: { 'mcp-session-id': 'x' } }, 'headers', / that are not the protocol's own: "mcp-session-id"$/],
    [{ headers: { a: 1 } }, 'headers'],
    [{ headers: 1 }, 'headers', /headers must be an object, not a number$/],
    [{ allowed_tools: 'add' }, 'allowed_tools', /must be a list of names, or an object with tool_names or read_only$/],
    [{ require_approval: 5 }, 'require_approval', /must be always, never, or an object with always or never$/],
    [{ allowed_tools: {} }, 'allowed_tools'],
    [{ require_approval: 'sometimes' }, 'require_approval'],
    [{ require_approval: {} }, 'require_approval'],
    [{ require_approval: { never: {} } }, 'require_approval.never'],
    [{ defer_loading: true }, 'defer_loading'],
    [{ tunnel_id: 't' }, 'tunnel_id'],
    [{ allowedTools: ['add'] }, 'allowedTools', /allowedTools is not supported$/],
    [{ allowed_callers: ['programmatic'] }, 'allowed_callers[0]'],
  ] as [object, string, RegExp?][])
    await unprocessable(door, { tools: [{ ...good, ...more }] }, `tools[0].${field}`, says);
  await unprocessable(door, { tools: [good, good] }, 'tools[1].server_label');
});

promise(
  'mcp.choice',
  { says: 'a choice forces the tools of a server, or one of them', source: 'openai 7.57.0 types: ToolChoiceMcp' },
  async (door) => {
    const server = door.model.mcp.serve([add, tool('get')]);
    const tools = [entryFor(server), { type: 'function', name: 'mine' }];
    for (const [more, names] of [
      [{}, ['add', 'get']],
      [{ name: 'get' }, ['get']],
    ] as const) {
      const tool_choice = { type: 'mcp', server_label: server.label, ...more };
      const model = door.model.script(callsFunctions(callOf(server, { name: 'get', args: {} })), says('ok'));
      const { output, tool_choice: echoed } = await create(door, { model, tools, tool_choice });
      assert.deepEqual(echoed, tool_choice);
      assert.equal(output.at(-1)?.type, 'message');
      const { body } = door.model.calls(model)[0] ?? assert.fail('a call');
      const offered = body.tools.map((one: { function: { name: string } }) => one.function.name);
      assert.deepEqual(
        offered,
        names.map((name) => `mcp_${server.label}__${name}`),
      );
      const counted = { model, input: 'Hi', tools, tool_choice };
      if (door.name !== 'envoy-original') await have(door, 'POST', '/v1/responses/input_tokens', counted);
    }
    const nobody = { type: 'mcp', server_label: 'nobody' };
    await unprocessable(door, { tools, tool_choice: nobody }, 'tool_choice');
  },
);

promise(
  'mcp.background',
  { says: 'a turn in the background uses servers as any other', source: PAGE },
  async (door) => {
    const server = door.model.mcp.serve([add], { token: 'a-token-of-the-client' });
    const model = door.model.script(callsFunctions(callOf(server)), says('5'));
    const tools = [entryFor(server, { authorization: 'a-token-of-the-client' })];
    const { events, final } = await stream(door, { model, tools, background: true });
    assert.equal(final.status, 'completed');
    assert.partialDeepStrictEqual(final.output, [{ type: 'mcp_list_tools' }, { type: 'mcp_call', output: '5' }, {}]);
    assert.doesNotMatch(JSON.stringify(events), /of-the-client/);
  },
  NEEDS_HEADERS,
);
