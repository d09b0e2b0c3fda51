import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { configureLog, fetchTransport } from '../../handler/index.ts';
import { openModels } from '../../handler/open-models.ts';
import { type Sql, sql, write } from '../../handler/state/database/sql.ts';
import { conversation, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfig } from '../support/doors/door.ts';
import { type InProcess, openInProcess } from '../support/doors/in-process.ts';
import { openNodeHttp } from '../support/doors/node-http.ts';
import { callsFunctions, failsMidway, late, replies, says, sends } from '../support/model/scripted.ts';
import { plays } from '../support/played-tool.ts';
import { LEASE, takenOver } from '../support/processes.ts';
import { withSocket } from '../support/socket.ts';

type Line = Record<string, unknown>;

let door: InProcess;
let lines: Line[];

before(async () => {
  door = await openInProcess();
});
beforeEach(() => {
  lines = [];
  configureLog('info', (line) => lines.push(JSON.parse(line)));
});
after(() => door.close());

const add = { name: 'add', args: '{"a":2,"b":3}', id: 'c1' };
const detailed = {
  ...{ prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 3 },
};

/** Sends a create, reads the reply, and gives the line of the request, and the id of the response. */
async function turn(body: object, headers = {}, at = door): Promise<{ line: Line; id: string }> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  const reply = await at.fetch('/v1/responses', { ...init, body: JSON.stringify({ input: 'Hi', ...body }) });
  const text = await reply.text();
  const line = lines.find(({ message, method }) => message === 'request' && method === 'POST');
  lines = [];
  return { line: line ?? assert.fail('there is no line'), id: /resp_\w+/.exec(text)?.[0] ?? '' };
}

/** The line of a background turn, once it is written. */
async function backgroundLine(): Promise<Line> {
  const find = () => lines.find(({ message }) => message === 'background turn');
  await until(() => find() !== undefined);
  return find() ?? {};
}

test('the line of a turn says where its model is, what it took and how it ended', async () => {
  const urlHost = new URL(door.model.url).host;
  for (const stream of [false, true]) {
    const model = door.model.script(sends([{ content: 'Hi' }], 'stop', detailed));
    const { line } = await turn({ model, stream });
    assert.partialDeepStrictEqual(line, {
      ...{ backend: 'chat', url_host: urlHost, input_tokens: 11, output_tokens: 7, cached_tokens: 5 },
      ...{ reasoning_tokens: 3, rounds: 1, finish: 'stop', level: 'INFO', status: 200 },
    });
    assert.ok(Number(line.first_token_ms) <= Number(line.duration_ms), JSON.stringify(line));
    assert.ok(Number(line.bytes) > 500, JSON.stringify(line));
    for (const absent of ['previous', 'conversation', 'tenant', 'user', 'tools', 'error_code', 'error'])
      assert.ok(!(absent in line), absent);
  }
});

test('the host of a URL is told without what else a URL may hold', () => {
  const url = 'https://user:a-password@model.example:8443/v1?key=a-key';
  const { routes } = openModels(
    { models: [{ match: '*', backend: 'chat', url }], errorDetail: false },
    fetchTransport(fetch),
  );
  assert.deepEqual(routes[0]?.servers[0]?.address, { backend: 'chat', urlHost: 'model.example:8443' });
});

test('it says what the turn goes on from', async () => {
  const model = door.model.script(says('Hi'));
  const first = await turn({ model });
  const { line } = await turn({ model, previous_response_id: first.id });
  assert.equal(line.previous, first.id);
  const id = await conversation(door);
  lines = [];
  assert.equal((await turn({ model, conversation: { id } })).line.conversation, id);
  assert.equal((await turn({ model, conversation: id })).line.conversation, id);
});

test('it counts the rounds of the tool loop, names the tools, and has the tokens of all calls', async () => {
  const model = door.model.script(callsFunctions(add), callsFunctions(add), says('5'));
  const { line } = await turn({ model, tools: [{ type: 'test_tool' }] });
  assert.partialDeepStrictEqual(line, {
    rounds: 3,
    tools: ['add'],
    finish: 'stop',
    input_tokens: 33,
    output_tokens: 21,
  });
});

test('each call of a tool has a line: which, how long, and how it ended; not what was asked and answered', async () => {
  const entry = plays({
    functions: {
      fine: () => ({ output: 'private' }),
      failing: () => ({ output: 'private', failed: true }),
      throwing() {
        throw new Error('broken');
      },
    },
  });
  const called = (name: string) => callsFunctions({ name, args: '{"q":"private"}' });
  const model = door.model.script(called('fine'), called('failing'), called('throwing'));
  const body = JSON.stringify({ model, input: 'Hi', tools: [entry] });
  const headers = { 'content-type': 'application/json', 'x-request-id': 'req_tools' };
  await (await door.fetch('/v1/responses', { method: 'POST', headers, body })).text();
  const calls = lines.filter(({ message }) => message === 'tool call');
  assert.partialDeepStrictEqual(calls, [
    { level: 'INFO', request_id: 'req_tools', tool: 'fine', type: 'played_tool', outcome: 'completed' },
    { tool: 'failing', outcome: 'failed' },
    { tool: 'throwing', outcome: 'error', error: 'Error: broken' },
  ]);
  for (const { duration_ms } of calls) assert.equal(typeof duration_ms, 'number');
  assert.ok(!JSON.stringify(lines).includes('private'));
});

test('a turn that the client has to go on with says so', async () => {
  const calls = door.model.script(callsFunctions({ name: 'f', args: '{}' }, { name: 'g', args: '{}' }));
  const tools = ['f', 'g'].map((name) => ({ type: 'function', name }));
  assert.partialDeepStrictEqual((await turn({ model: calls, tools })).line, {
    tools: ['f', 'g'],
    finish: 'tool_calls',
  });
  const cut = door.model.script(sends([{ content: 'Hi' }], 'length'));
  assert.equal((await turn({ model: cut })).line.finish, 'max_output_tokens');
});

test('the line of a compaction has its tokens, and that of a count where its model is', async () => {
  const model = door.model.script(says('A summary.'));
  const urlHost = new URL(door.model.url).host;
  for (const [path, fields] of [
    ['/v1/responses/compact', { input_tokens: 11, output_tokens: 7, finish: 'stop' }],
    ['/v1/responses/input_tokens', {}],
  ] as const) {
    lines = [];
    const headers = { 'content-type': 'application/json' };
    await (await door.fetch(path, { method: 'POST', headers, body: JSON.stringify({ model, input: 'Hi' }) })).text();
    assert.partialDeepStrictEqual(lines[0], {
      path,
      model,
      backend: 'chat',
      url_host: urlHost,
      status: 200,
      ...fields,
    });
  }
});

test('a refusal has its code, and what was planned', async () => {
  const refused = await turn({ model: door.model.script(says('Hi')), previous_response_id: 'resp_none' });
  assert.partialDeepStrictEqual(refused.line, {
    ...{ status: 400, error_code: 'previous_response_not_found', previous: 'resp_none', backend: 'chat' },
  });
  const wrong = await turn({ model: 'any', temperature: 7 });
  assert.partialDeepStrictEqual(wrong.line, { status: 422, error_code: 'invalid_value' });
  assert.ok(!('backend' in wrong.line));
  const down = door.model.script(replies(503, { error: { message: 'down' } }));
  for (const stream of [false, true]) {
    const { line } = await turn({ model: down, stream });
    assert.partialDeepStrictEqual(line, { status: 500, error_code: 'server_error', rounds: 1, finish: 'failed' });
    assert.match(String(line.error), /<- \{"status":503\}$/, 'what the server did not say is not there');
  }
});

test('a stream that fails in the middle has its code and what was spent', async () => {
  const model = door.model.script(callsFunctions(add), late(replies(429, { error: { message: 'slow down' } })));
  const { line } = await turn({ model, stream: true, tools: [{ type: 'test_tool' }] });
  assert.partialDeepStrictEqual(line, {
    ...{ finish: 'failed', error_code: 'rate_limit_exceeded', rounds: 2, input_tokens: 11, tools: ['add'] },
  });
});

test('names of models and tools are cut, and stay in their line', async () => {
  const evil = '\n\u001b[31m\u009b2J{"level":"ERROR"}';
  const { line } = await turn({ model: evil + 'x'.repeat(100_000) });
  assert.ok(JSON.stringify(line).length < 2_000, `${JSON.stringify(line).length}`);
  assert.equal(line.level, 'INFO');
  for (const member of ['previous_response_id', 'conversation']) {
    const { line } = await turn({ model: door.model.script(says('Hi')), [member]: evil + 'x'.repeat(100_000) });
    assert.ok(JSON.stringify(line).length < 2_000, `${member}: ${JSON.stringify(line).length}`);
    assert.equal(line.level, 'INFO');
  }
  const name = 'f'.repeat(64);
  const names = Array.from({ length: 100 }, (_, n) => `${name.slice(3)}${n}`);
  const model = door.model.script(callsFunctions(...names.map((name) => ({ name, args: '{}' }))));
  const tools = names.map((name) => ({ type: 'function', name }));
  assert.deepEqual((await turn({ model, tools })).line.tools, names.slice(0, 16));
});

test('each model call and its end are lines at the level debug, cut and redacted, and not at any other', async () => {
  const secret = 'sk-0123456789abcdef';
  const long = `Hi \n\u001b[31m${secret} ${'y'.repeat(50_000)}`;
  const model = () => door.model.script(callsFunctions(add), sends([{ content: `${secret} ${'z'.repeat(50_000)}` }]));
  const ask = { tools: [{ type: 'test_tool' }], instructions: long, input: long };
  await turn({ ...ask, model: model() });
  configureLog('debug', (line) => lines.push(JSON.parse(line)));
  for (const background of [false, true]) {
    lines = [];
    const name = model();
    const body = JSON.stringify({ ...ask, model: name, background });
    const headers = { 'content-type': 'application/json', 'x-request-id': 'mine' };
    await (await door.fetch('/v1/responses', { method: 'POST', headers, body })).text();
    const told = () =>
      lines.filter(({ message, request_id }) => /^model call/.test(`${message}`) && request_id === 'mine');
    await until(() => told().length === 4);
    const [call, end, again, last] = told();
    const at = { request_id: 'mine', backend: 'chat', url_host: new URL(door.model.url).host };
    assert.partialDeepStrictEqual(call, { level: 'DEBUG', ...at, call: 1, model: name, items: 1, tools: 6 });
    assert.partialDeepStrictEqual(end, { level: 'DEBUG', ...at, call: 1, finish: 'stop', input_tokens: 11 });
    assert.match(String(end?.said), /"name":"add"/);
    assert.partialDeepStrictEqual(again, { call: 2, items: 3 });
    assert.match(String(again?.last), /"function_call_output".*"5"/);
    assert.match(String(last?.said), /\[redacted\] zzz/);
    for (const line of told()) {
      assert.doesNotMatch(JSON.stringify(line), new RegExp(secret));
      assert.ok(JSON.stringify(line).length < 4_000);
    }
  }
});

test('a model call that fails or is left is told as that', async () => {
  configureLog('debug', (line) => lines.push(JSON.parse(line)));
  const model = door.model.script(replies(429, { error: { message: 'slow down' } }));
  await (
    await door.fetch('/v1/responses', {
      method: 'POST',
      body: JSON.stringify({ model, input: 'Hi' }),
      headers: { 'content-type': 'application/json' },
    })
  ).text();
  const end = lines.find(({ message }) => message === 'model call ended');
  assert.partialDeepStrictEqual(end, { finish: 'failed' });
  assert.match(String(end?.error), /rate|429/);
});

test('a background turn has the line of its request, with that id', async () => {
  const model = door.model.script(callsFunctions(add), says('5'));
  const asked = await turn({ model, background: true, tools: [{ type: 'test_tool' }] }, { 'x-request-id': 'mine' });
  lines = [];
  const line = await backgroundLine();
  assert.partialDeepStrictEqual(line, {
    ...{ level: 'INFO', request_id: 'mine', response_id: asked.id, model, status: 'completed', backend: 'chat' },
    ...{ rounds: 2, tools: ['add'], finish: 'stop', input_tokens: 22, output_tokens: 14 },
  });
  assert.ok(Number(line.bytes) > 0);
});

test('one that fails is an error, with the cause that nobody else is told', async () => {
  const model = door.model.script(replies(503, { error: { type: 'overloaded', message: 'secret words' } }));
  await turn({ model, background: true }, { 'x-request-id': 'mine' });
  const line = await backgroundLine();
  assert.partialDeepStrictEqual(line, {
    ...{ level: 'ERROR', request_id: 'mine', status: 'failed', finish: 'failed', error_code: 'server_error' },
  });
  assert.match(String(line.error), /status 503.*"type":"overloaded"/);
});

test('a webhook has a line with the id of the request, whether it arrives or not', async (t) => {
  const own = await openInProcess(); // the webhooks of other tests are on their way
  t.after(() => own.close());
  own.model.answerHooks(500);
  const line = async (id: string) => {
    const model = own.model.script(says('Hi'));
    const asked = await turn({ model, background: true }, { 'x-request-id': id }, own);
    const find = () => lines.find(({ webhook, request_id }) => webhook === 'webhooks[0]' && request_id === id);
    await until(() => find() !== undefined);
    assert.equal(find()?.response_id, asked.id);
    return find();
  };
  assert.partialDeepStrictEqual(await line('first'), { level: 'WARN', tries: 1, error: 'status 500' });
  assert.partialDeepStrictEqual(await line('second'), { level: 'INFO', tries: 1, status: 200 });
});

test('each turn of a WebSocket has its line, and one that fails is an error with its cause', async (t) => {
  const http = await openNodeHttp();
  t.after(() => http.close());
  const find = () => lines.filter(({ method }) => method === 'response.create');
  await withSocket(http, async (socket) => {
    await socket.create({ model: http.model.script(says('Hi')) });
    await until(() => find().length === 1);
    await socket.create({ model: http.model.script(failsMidway({ message: 'broken', type: 'server_error' })) });
    await until(() => find().length === 2);
    socket.send({ type: 'response.create', model: http.model.script(says('Hi')), input: 'Hi', temperature: 7 });
    await until(() => find().length === 3);
  });
  const [fine, failed, refused] = find();
  assert.partialDeepStrictEqual(fine, { level: 'INFO', backend: 'chat', input_tokens: 11, rounds: 1, finish: 'stop' });
  assert.ok(Number(fine?.bytes) > 0);
  assert.partialDeepStrictEqual(failed, { level: 'ERROR', finish: 'failed', error_code: 'server_error' });
  assert.equal(typeof failed?.error, 'string');
  assert.partialDeepStrictEqual(refused, { level: 'INFO', status: 422, error_code: 'invalid_value' });
  assert.equal(new Set([fine, failed, refused].map((line) => line?.request_id)).size, 3);
  assert.equal(new Set([fine, failed, refused].map((line) => line?.connection_id)).size, 1);
});

for (const [what, change, request_id] of [
  ['of an older program, which kept no record,', sql`UPDATE jobs SET asked = ''`, undefined],
  [
    'whose record has members of a newer program',
    sql`UPDATE jobs SET asked = replace(asked, '{', '{"newer":{},')`,
    'mine',
  ],
  ['whose record is of a newer version', sql`UPDATE jobs SET asked = '{"version":2}'`, undefined],
  ['whose record is no JSON', sql`UPDATE jobs SET asked = '{'`, undefined],
] satisfies [string, Sql, string | undefined][]) {
  test(`a background turn ${what} is made`, async (t) => {
    const database = await testDatabase();
    const idle = () => ({ start: async () => {}, stop: async () => {}, close: async () => {} });
    const asks = await openInProcess({ database, runner: idle });
    t.after(() => asks.close());
    const model = asks.model.script(says('Hello'));
    const headers = { 'content-type': 'application/json', 'x-request-id': 'mine' };
    const body = JSON.stringify({ model, input: 'Hi', background: true });
    const { id } = (await (await asks.fetch('/v1/responses', { method: 'POST', headers, body })).json()) as {
      id: string;
    };
    await database.batch({ change: write(change) });
    const makes = await openInProcess({ database, lease: LEASE, config: testConfig(asks.model) });
    t.after(() => makes.close());
    assert.equal((await takenOver(makes, id)).status, 'completed');
    assert.equal((await backgroundLine()).request_id, request_id);
  });
}
