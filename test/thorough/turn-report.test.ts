import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compileCel } from '../../handler/cel.ts';
import { configureLog, parseConfig } from '../../handler/index.ts';
import type { Report } from '../../handler/ingress.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { callsFunctions, type ScriptedModel, says, sends, startScriptedModel } from '../support/model/scripted.ts';

let model: ScriptedModel;
let handler: Awaited<ReturnType<typeof testHandler>>;

const attributes = [
  { header: 'x-team', as: 'team', on: ['metadata'] },
  { header: 'x-other', as: 'other', on: ['log'] },
];

before(async () => {
  model = await startScriptedModel();
  const costs = [{ match: 'scripted-*', cel: 'input_tokens + 4u * output_tokens' }];
  const config = parseConfig({ ...testConfigFile(model), costs, attributes });
  handler = await testHandler(model, { config, compileCel });
});

after(async () => {
  await handler.close();
  await model.close();
});

interface ReportedTurn {
  reply: Response;
  text: string;
  /** What was told beside the head of a stream, or beside a whole reply, and then beside each chunk that has news. */
  reports: Report[];
  /** All of it together, as a door has it in the end. */
  tokens: Record<string, string | number>;
  about: Record<string, string | number>;
}

/** Asks as the door of ext_proc does; `leave` says after which text of a stream the client leaves. */
async function ask(
  body: object,
  { path = '/v1/responses', leave, more }: { path?: string; leave?: RegExp; more?: Record<string, string> } = {},
): Promise<ReportedTurn> {
  let next: () => Report | undefined = () => undefined;
  const reports: Report[] = [];
  const hear = () => {
    const report = next();
    if (report) reports.push(report);
  };
  const leaving = new AbortController();
  const headers = { 'content-type': 'application/json', 'x-other': 'o', ...more };
  const request = new Request(`http://localhost${path}`, {
    ...{ method: 'POST', headers, body: JSON.stringify(body) },
    signal: leaving.signal,
  });
  const reply = await handler.fetch(request, {
    report(told) {
      next = told;
    },
  });
  const streams = reply.headers.get('content-type')?.startsWith('text/event-stream');
  if (streams) hear();
  let text = '';
  for await (const chunk of reply.body ?? []) {
    text += Buffer.from(chunk);
    if (streams) hear();
    if (leave?.test(text)) break;
  }
  leaving.abort();
  if (!leave) hear();
  const together = (name: string) => Object.assign({}, ...reports.map((report) => report[name]));
  return { reply, text, reports, tokens: together('io.envoy.ai_gateway'), about: together('antiphon') };
}

const RUNNING = ['llm_input_token', 'llm_output_token', 'llm_total_token'];

/** A number of each report that has it. */
function each({ reports }: ReportedTurn, name: string): unknown[] {
  return reports.map((report) => report['io.envoy.ai_gateway']?.[name]).filter((value) => value !== undefined);
}

test('a stream tells an estimate, then running sums that only grow, then what the server counted, once', async () => {
  const name = model.script(says(...Array.from({ length: 20 }, () => 'word ')));
  const told = await ask({ model: name, input: 'Hi.', stream: true });
  const [first, ...others] = told.reports;
  const last = others.at(-1);
  assert.equal(first?.['io.envoy.ai_gateway']?.llm_output_token, 0);
  assert.match(String(first?.antiphon?.response_id), /^resp_/, 'also of a client that leaves at once');
  assert.ok(Number(first?.['io.envoy.ai_gateway']?.llm_input_token) > 0);
  for (const report of others.slice(0, -1)) {
    assert.deepEqual(Object.keys(report['io.envoy.ai_gateway'] ?? {}), RUNNING);
    assert.deepEqual(Object.keys(report.antiphon ?? {}), ['llm_cost']);
  }
  const outputs = each(told, 'llm_output_token').slice(0, -1);
  assert.deepEqual(
    outputs,
    [...new Set(outputs)].sort((a, b) => Number(a) - Number(b)),
    'each says something new',
  );
  assert.equal(last?.antiphon?.finish, 'stop');
  assert.deepEqual(
    RUNNING.map((key) => told.tokens[key]),
    [11, 7, 18],
  );
  assert.equal(told.about.llm_cost, 39);
  assert.equal(each(told, 'llm_cached_input_token').length, 2);
});

test('a whole reply tells everything at once', async () => {
  const usage = {
    prompt_tokens: 11,
    prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
    completion_tokens: 7,
    completion_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 18,
  };
  const name = model.script(sends([{ content: 'Yes' }], 'stop', usage));
  const { reports, tokens, about, text } = await ask({ model: name, input: 'Hi.' });
  assert.equal(reports.length, 1);
  const { token_latency_ttft, token_latency_itl, response_model: _, ...rest } = tokens;
  assert.ok(Number(token_latency_ttft) >= 0 && Number(token_latency_itl) >= 0);
  assert.deepEqual(rest, {
    backend_name: new URL(model.url).host,
    model_name_override: name,
    llm_input_token: 11,
    llm_output_token: 7,
    llm_total_token: 18,
    llm_cached_input_token: 3,
    llm_cache_creation_input_token: 2,
    llm_reasoning_token: 5,
  });
  assert.deepEqual(about, { backend: 'chat', response_id: JSON.parse(text).id, finish: 'stop', llm_cost: 39 });
  const follow = await ask({ model: name, input: 'Hi.', previous_response_id: about.response_id });
  assert.equal(follow.about.previous_response_id, about.response_id);
});

test('the model that a server says it served, on each backend', async () => {
  const chat = model.script(async (turn) => {
    await turn.raw('data: {"model":"served-1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n');
    await turn.raw('data: {"model":"served-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n');
    turn.end();
  });
  assert.equal((await ask({ model: chat, input: 'Hi.' })).tokens.response_model, 'served-1');
  const native = model.native(async (turn) => {
    const response = { id: 'r', model: 'served-2', status: 'completed', output: [] };
    const item = { type: 'message', id: 'm', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] };
    await turn.raw(
      `data: ${JSON.stringify({ type: 'response.completed', response: { ...response, output: [item] } })}\n\n`,
    );
    turn.end();
  });
  assert.equal((await ask({ model: native, input: 'Hi.' })).tokens.response_model, 'served-2');
  const anthropic = model.anthropic(async (turn) => {
    const event = (value: object) => turn.raw(`data: ${JSON.stringify(value)}\n\n`);
    await event({ type: 'message_start', message: { model: 'served-3', content: [], usage: { input_tokens: 1 } } });
    await event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    await event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } });
    await event({ type: 'content_block_stop', index: 0 });
    await event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } });
    await event({ type: 'message_stop' });
    turn.end();
  });
  assert.equal((await ask({ model: anthropic, input: 'Hi.' })).tokens.response_model, 'served-3');
});

test('the rounds of a turn add up, and a client that leaves in the second has used the first', async () => {
  const tools = [{ type: 'test_tool', label: 'report' }];
  const calls = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });
  const two = await ask({ model: model.script(calls, says('3')), input: 'Hi.', tools, stream: true });
  assert.deepEqual(
    RUNNING.map((key) => two.tokens[key]),
    [22, 14, 36],
  );
  assert.equal(two.about.llm_cost, 78);
  const hangs = model.script(calls, async (turn) => {
    await turn.text('Hello there, you.');
    await turn.closed;
  });
  const left = await ask({ model: hangs, input: 'Hi.', tools, stream: true }, { leave: /there, you/ });
  // The second call has read what the first read and said, 18, and has said 17 characters.
  assert.deepEqual(
    RUNNING.map((key) => left.tokens[key]),
    [29, 12, 41],
  );
  assert.equal(left.about.finish, undefined);
});

test('a server that counts nothing is counted by estimate, reasoning and calls as well', async () => {
  const name = model.script(async (turn) => {
    await turn.delta({ reasoning_content: 'x'.repeat(400) });
    await turn.text('y'.repeat(400));
    await turn.delta({
      tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: `"${'z'.repeat(398)}"` } }],
    });
    await turn.delta({}, 'tool_calls');
    await turn.raw('data: [DONE]\n\n');
    turn.end();
  });
  const { tokens } = await ask({ model: name, input: 'w'.repeat(3000), tools: [{ type: 'function', name: 'f' }] });
  assert.equal(tokens.llm_output_token, 300);
  assert.ok(Number(tokens.llm_input_token) > 1000 && Number(tokens.llm_input_token) < 1500);
  const short = model.script(async (turn) => {
    for (let n = 0; n < 50; n++) await turn.text('字');
    await turn.raw('data: [DONE]\n\n');
    turn.end();
  });
  assert.equal((await ask({ model: short, input: 'Hi.', stream: true })).tokens.llm_output_token, 50);
});

test('counts that no model has are told as the most that Envoy charges', async () => {
  for (const count of [1e9 + 1, Number.MAX_SAFE_INTEGER, 1e300, '12', -5, 1.5, Number.NaN]) {
    const usage = { prompt_tokens: count, completion_tokens: count, total_tokens: count };
    const name = model.script(sends([{ content: 'Yes' }], 'stop', usage));
    const { tokens, about } = await ask({ model: name, input: 'Hi.', stream: true });
    for (const value of [...RUNNING.map((key) => tokens[key]), about.llm_cost ?? 0]) {
      assert.ok(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 1e9, `${count}: ${value}`);
    }
    if (Number(count) > 1e9) assert.equal(tokens.llm_total_token, 1e9);
  }
});

test('errors and what makes nothing tell no tokens', async () => {
  const fails = model.script((turn) => turn.reply(500, { error: { message: 'no' } }));
  const half = model.script(async (turn) => {
    await turn.text('Hello');
    turn.cut();
  });
  const begins = model.script(async (turn) => {
    await turn.delta({ role: 'assistant', content: '' });
    await turn.raw('data: {"error":{"message":"no"}}\n\n');
    turn.end();
  });
  for (const body of [
    { model: fails, input: 'Hi.' },
    { model: fails, input: 'Hi.', stream: true },
    { model: half, input: 'Hi.' },
    { model: begins, input: 'Hi.', stream: true },
    { model: fails, input: 5 },
    { model: 'unheard-of', input: 'Hi.' },
  ]) {
    const { tokens, about } = await ask(body);
    assert.deepEqual([tokens.llm_total_token ?? 0, about.llm_cost ?? 0], [0, 0], JSON.stringify(body));
  }
  const counted = await ask({ model: fails, input: 'Hi.' }, { path: '/v1/responses/input_tokens' });
  assert.equal(counted.reports.length, 0);
});

test('a compaction is charged as a reply is', async () => {
  const name = model.script(says('All of it.'));
  const { tokens, about } = await ask({ model: name, input: 'Hi.' }, { path: '/v1/responses/compact' });
  assert.deepEqual([tokens.llm_total_token, about.llm_cost], [18, 39]);
});

test('the log line has the cost, of background turns too', async (t) => {
  const lines: Record<string, unknown>[] = [];
  configureLog('info', (line) => lines.push(JSON.parse(line)));
  t.after(() => configureLog('error', () => {}));
  const name = model.script(says('Hello'));
  await ask({ model: name, input: 'Hi.' });
  await ask({ model: name, input: 'Hi.', background: true, stream: true });
  await ask({ model: model.native(says('')), input: 5 });
  const costs = lines.filter(({ cost }) => cost !== undefined).map(({ message, cost }) => [message, cost]);
  assert.deepEqual(costs.sort(), [
    ['background turn', { llm_cost: 39 }],
    ['request', { llm_cost: 39 }],
  ]);
});

test('a long stream tells its sums less and less often, and never falls behind by more than a sixty-fourth', async () => {
  const name = model.script(says(...Array.from({ length: 1000 }, () => 'word')));
  const { text, reports } = await ask({ model: name, input: 'Hi.', stream: true });
  assert.equal(text.match(/"delta":"word"/g)?.length, 1000);
  const outputs = reports.slice(0, -1).map((report) => Number(report['io.envoy.ai_gateway']?.llm_output_token));
  assert.ok(outputs.length < 300, `${outputs.length}`);
  assert.ok((outputs.at(-1) ?? 0) >= 1000 * (64 / 65) - 1);
});

test('a turn keeps the costs that it began with, and a configuration whose costs are wrong changes nothing', async (t) => {
  const withCost = (cel: string) => parseConfig({ ...testConfigFile(model), costs: [{ match: '*', cel }], attributes });
  t.after(() => handler.reload(withCost('input_tokens + 4u * output_tokens')));
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const name = model.script(async (turn) => {
    await turn.text('Hello');
    begun.resolve();
    await gate.promise;
    await turn.finish();
  }, says('Hello'));
  const running = ask({ model: name, input: 'Hi.' });
  await begun.promise;
  handler.reload(withCost('1000u'));
  gate.resolve();
  assert.equal((await running).about.llm_cost, 39);
  assert.equal((await ask({ model: name, input: 'Hi.' })).about.llm_cost, 1000);
  assert.throws(() => handler.reload(withCost('4 * output_tokens')), /costs\.0\.cel .*write 4u/);
  assert.equal((await ask({ model: name, input: 'Hi.' })).about.llm_cost, 1000);
});

test('attributes of the request are told where the configuration says so', async () => {
  const name = model.script(says('Hello'));
  for (const stream of [false, true]) {
    const { about } = await ask({ model: name, input: 'Hi.', stream }, { more: { 'x-team': 'blue' } });
    assert.deepEqual([about.team, about.other, about.finish], ['blue', undefined, 'stop']);
  }
});

test('a turn that its server refuses, streamed or not, has no tokens, and says whose refusal it is', async () => {
  const { host } = new URL(model.url);
  for (const stream of [false, true]) {
    const refuses = model.script((turn) => turn.reply(429, { error: { message: 'later' } }));
    const { reply, tokens, about, reports } = await ask({ model: refuses, input: 'Hi.', stream });
    assert.equal(reply.status, 429);
    assert.deepEqual(tokens, { backend_name: host, model_name_override: refuses });
    assert.deepEqual(about, { backend: 'chat', finish: 'failed', error_code: 'rate_limit_exceeded' });
    assert.equal(reports.length, 1);
  }
});
