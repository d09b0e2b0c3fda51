import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { compileCel } from '../../handler/cel.ts';
import { newKey } from '../../handler/identity/key.ts';
import { parseConfig } from '../../handler/index.ts';
import { configureLog } from '../../handler/log.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { read, sql } from '../../handler/state/database/sql.ts';
import { until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { type Door, post } from '../support/doors/door.ts';
import { type InProcess, openInProcess, testHandler } from '../support/doors/in-process.ts';
import { callsFunctions, hangs, says, sends, startScriptedModel } from '../support/model/scripted.ts';
import { plays } from '../support/played-tool.ts';
import { LEASE, mortal, takenOver } from '../support/processes.ts';
import { parseStream } from '../support/sse.ts';
import { testTelemetry } from '../support/telemetry.ts';

const NOON = Date.UTC(2030, 0, 1, 12);

/** A product whose clock stands still at the beginning of a minute, and the keys of its callers. */
async function open(t: TestContext, config: object, owners: Record<string, object> = {}) {
  t.mock.timers.enable({ apis: ['Date'], now: NOON });
  const database = await testDatabase();
  const model = await startScriptedModel();
  const keys: Record<string, string> = {};
  const entries: object[] = [];
  for (const [name, owner] of Object.entries(owners)) {
    const { key, ...digest } = await newKey();
    keys[name] = key;
    entries.push({ ...digest, ...owner });
  }
  const telemetry = testTelemetry();
  const start = () =>
    openInProcess({
      database,
      compileCel,
      telemetry: telemetry.slot,
      config: parseConfig({
        models: [{ match: 'scripted-*', backend: 'chat', url: model.url }],
        ...(entries.length > 0 && { auth: [{ keys: entries }] }),
        ...config,
      }),
    });
  const door = await start();
  t.after(async () => {
    await door.close();
    await model.close();
    await database.close();
  });
  const ask = (name: string, body: object, at: Door = door) =>
    post(at, { input: 'Hi', ...body }, { headers: { authorization: `Bearer ${keys[name]}` } });
  return { door, model, keys, ask, database, start, telemetry };
}

/** The statuses of so many creates, one after another. */
async function statuses(count: number, ask: () => Promise<Response>): Promise<string> {
  const all: number[] = [];
  for (let n = 0; n < count; n++) {
    const reply = await ask();
    await reply.text();
    all.push(reply.status);
  }
  return all.join(' ');
}

/** What was counted so far, by the names of allowances, once the product has told the database. */
async function counted(door: InProcess, database: Database, name: string): Promise<number> {
  await door.drain(0);
  const { found } = await database.batch({
    found: read(sql`SELECT sum(used) AS used FROM allowances WHERE name LIKE ${name}`),
  });
  return Number(found[0]?.used);
}

const tokens = (limit: number) => ({ tenants: { '*': { limits: { tokensPerMinute: limit } } } });

test('a key, each user and a tenant have limits of their own, and the log and metrics say whose was met', async (t) => {
  const lines: Record<string, unknown>[] = [];
  configureLog('info', (line) => lines.push(JSON.parse(line)));
  t.after(() => configureLog('error', () => {}));
  const { ask, model, telemetry } = await open(
    t,
    {
      tenants: {
        acme: { limits: { requestsPerMinute: 6 }, perUser: { limits: { requestsPerMinute: 4 } } },
        '*': { limits: { requestsPerMinute: 1 } },
      },
    },
    {
      ann: { tenant: 'acme', user: 'ann' },
      bob: { tenant: 'acme', user: 'bob', limits: { requestsPerMinute: 1 } },
      eve: { tenant: 'acme' },
      one: { tenant: 'other' },
      two: { tenant: 'another', user: 'ann' },
    },
  );
  const name = model.script(says('ok'));
  assert.equal(await statuses(5, () => ask('ann', { model: name })), '200 200 200 200 429');
  assert.equal(await statuses(2, () => ask('bob', { model: name })), '200 429');
  assert.equal(await statuses(2, () => ask('eve', { model: name })), '200 429');
  assert.equal(await statuses(2, () => ask('one', { model: name })), '200 429');
  assert.equal(await statuses(2, () => ask('two', { model: name })), '200 429');
  const met = ['user.requests', 'key.requests', 'tenant.requests', 'tenant.requests', 'tenant.requests'];
  assert.deepEqual(
    lines.filter(({ status }) => status === 429).map(({ limit }) => limit),
    met,
  );
  assert.deepEqual(
    lines.filter(({ status }) => status === 200).flatMap(({ limit }) => limit ?? []),
    [],
  );
  const metrics = await telemetry.metrics();
  for (const [limit, all] of Map.groupBy(met, (limit) => limit))
    assert.match(
      metrics,
      new RegExp(`^antiphon_limits_refused_total\\{antiphon_limit="${limit}".*\\} ${all.length}\\b`, 'm'),
    );
  t.mock.timers.tick(60_000);
  assert.equal(await statuses(1, () => ask('bob', { model: name })), '200');
});

test('the openai client waits for the next minute and succeeds, and gives up at once on a budget', async (t) => {
  const { door, model, keys } = await open(
    t,
    {
      costs: [{ match: '*', cel: 'total_tokens' }],
      tenants: { acme: { limits: { requestsPerMinute: 1 } }, spender: { budgets: [{ amount: 40, window: '30d' }] } },
    },
    { acme: { tenant: 'acme' }, spender: { tenant: 'spender' } },
  );
  const name = model.script(says('ok'));
  let requests = 0;
  const clientOf = (apiKey: string | undefined) =>
    new OpenAI({
      baseURL: 'http://in-process/v1',
      apiKey: apiKey ?? '',
      maxRetries: 2,
      fetch: async (url, init) => {
        const reply = await door.fetch(String(url).replace('http://in-process', ''), init);
        requests++;
        return reply;
      },
    });
  t.mock.timers.tick(58_500);
  const acme = clientOf(keys.acme);
  await acme.responses.create({ model: name, input: 'Hi' });
  const waiting = acme.responses.create({ model: name, input: 'Hi' });
  await until(async () => requests === 2);
  t.mock.timers.tick(2_000); // the client waits by a timer, and that is not mocked
  assert.equal((await waiting).output_text, 'ok');
  assert.equal(requests, 3);

  const spender = clientOf(keys.spender);
  for (let turn = 0; turn < 2; turn++) await spender.responses.create({ model: name, input: 'Hi' }); // 18 each
  requests = 0;
  await assert.rejects(spender.responses.create({ model: name, input: 'Hi' }), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.deepEqual([error.code, error.type], ['insufficient_quota', 'insufficient_quota']);
    assert.match(
      error.message,
      /your tenant, by `tenants` in the configuration, may spend 40 of llm_cost in 30d\. It begins anew in \d+d\./,
    );
    return true;
  });
  assert.equal(requests, 1, 'it does not try again');
});

test('a turn with tools calls its model no more once a budget is used up, and says so', async (t) => {
  const config = {
    costs: [{ match: '*', cel: 'total_tokens' }],
    tenants: { '*': { budgets: [{ amount: 1_500, window: '30d' }] } },
  };
  const { ask, model, door, database } = await open(t, config, {
    a: { tenant: 'a' },
    b: { tenant: 'b' },
    c: { tenant: 'c' },
  });
  let ran = 0;
  const tools = [plays({ functions: { work: () => ({ output: `worked ${++ran}` }) } })];
  const usage = { prompt_tokens: 900, completion_tokens: 100, total_tokens: 1_000 };
  const call = { index: 0, id: 'c1', type: 'function', function: { name: 'work', arguments: '{}' } };
  const name = () => model.script(sends([{ tool_calls: [call] }], 'tool_calls', usage), says('never'));
  const why = /may spend 1500 of llm_cost in 30d.* The turn was ended before its next model call\./;

  const whole = name();
  const reply = await ask('a', { model: whole, tools });
  assert.equal(reply.status, 429);
  assert.equal(reply.headers.get('x-should-retry'), 'false');
  const { error } = (await reply.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'insufficient_quota');
  assert.match(error.message, why);
  assert.deepEqual([ran, model.calls(whole).length], [1, 1]);

  const streamed = name();
  const text = await (await ask('b', { model: streamed, tools, stream: true })).text();
  const { final } = parseStream(text);
  assert.equal(final.status, 'failed');
  assert.deepEqual(
    final.output.map(({ type }) => type),
    ['mcp_call'],
    'what was made stays',
  );
  assert.match(final.error?.message ?? '', why);
  assert.equal(model.calls(streamed).length, 1);

  const later = name();
  const { id } = (await (await ask('c', { model: later, tools, background: true })).json()) as { id: string };
  const statusOf = async () => {
    const { found } = await database.batch({ found: read(sql`SELECT status FROM responses WHERE id = ${id}`) });
    return found[0]?.status;
  };
  await until(async () => (await statusOf()) === 'failed');
  assert.equal(model.calls(later).length, 1);
  const used = async () => {
    const { rows } = await database.batch({ rows: read(sql`SELECT used FROM allowances ORDER BY tenant`) });
    return rows.map((row) => Number(row.used));
  };
  await door.drain(0);
  assert.deepEqual(await used(), [1_000, 1_000, 1_000], 'each call counts once');
});

test('a budget holds after a restart, and in another process', async (t) => {
  const config = {
    costs: [{ match: '*', cel: '10u * total_tokens' }],
    tenants: { '*': { budgets: [{ amount: 500, window: '30d' }] } },
  };
  const { ask, model, start, door } = await open(t, config, { a: { tenant: 'a' } });
  const name = model.script(says('ok'));
  assert.equal(await statuses(2, () => ask('a', { model: name })), '200 200');
  await door.drain(0);
  const second = await start();
  t.after(() => second.close());
  assert.equal(await statuses(2, () => ask('a', { model: name }, second)), '200 429');
  t.mock.timers.tick(31 * 86_400_000);
  assert.equal(await statuses(1, () => ask('a', { model: name }, second)), '200');
});

test('a stream that its client leaves counts what was used', async (t) => {
  const { door, database, model } = await open(t, tokens(1_000_000));
  const { script, begun } = hangs('word '.repeat(400));
  const leaving = new AbortController();
  const reply = await post(
    door,
    { model: model.script(script), input: 'Hi', stream: true },
    { signal: leaving.signal },
  );
  await begun;
  let text = '';
  for await (const chunk of reply.body ?? assert.fail()) {
    text += new TextDecoder().decode(chunk);
    if (text.includes('word')) break;
  }
  leaving.abort();
  const used = await counted(door, database, 'tenant tokens%');
  assert.ok(used >= 500 && used < 520, String(used)); // 2,000 characters, four to a token, and what was asked
});

test('all rounds of a turn count, and a compaction', async (t) => {
  const { door, database, model } = await open(t, tokens(1_000_000));
  const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });
  const name = model.script(add, add, says('3'));
  const reply = await post(door, { model: name, input: 'Hi', tools: [{ type: 'test_tool' }] });
  assert.equal(reply.status, 200);
  await reply.text();
  const compact = await door.fetch('/v1/responses/compact', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: model.script(says('It was said.')), input: 'Hi' }),
  });
  assert.equal(compact.status, 200);
  assert.match(compact.headers.get('x-ratelimit-remaining-tokens') ?? '', /^999\d+$/);
  await compact.text();
  assert.equal(await counted(door, database, 'tenant tokens%'), 4 * 18);
});

test('what the model’s server refuses counts as a request, and what never got to it does not', async (t) => {
  const limits = { requestsPerMinute: 100, tokensPerMinute: 1_000 };
  const { door, database, model } = await open(t, { tenants: { default: { limits } } });
  const refusing = model.script((turn) => turn.reply(400, { error: { message: 'no', type: 'invalid_request_error' } }));
  const refused = await post(door, { model: refusing, input: 'Hi' });
  assert.equal(refused.status, 400);
  assert.equal(refused.headers.get('x-ratelimit-remaining-requests'), '99');
  assert.equal(refused.headers.get('x-ratelimit-remaining-tokens'), '1000');
  const conversation = (await (
    await door.fetch('/v1/conversations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  ).json()) as { id: string };
  const { script, begun } = hangs();
  const leaving = new AbortController();
  const first = post(
    door,
    { model: model.script(script), input: 'Hi', conversation: conversation.id },
    { signal: leaving.signal },
  );
  first.catch(() => {});
  await begun;
  const locked = await post(door, { model: model.script(says('ok')), input: 'Hi', conversation: conversation.id });
  assert.equal(locked.status, 400);
  assert.equal(locked.headers.get('x-ratelimit-remaining-requests') ?? '98', '98');
  leaving.abort();
  assert.equal(await counted(door, database, 'tenant requests%'), 2);
});

test('a background turn is a request when it is asked for, and its tokens count when it has been made', async (t) => {
  const owner = { tenant: 'a', limits: { tokensPerMinute: 30, requestsPerMinute: 3 } };
  const { ask, door, database, model, start } = await open(t, {}, { a: owner });
  const name = model.script(says('ok'));
  const created = await ask('a', { model: name, background: true });
  assert.equal(created.status, 200);
  assert.equal(created.headers.get('x-ratelimit-remaining-requests'), '2');
  await created.text();
  await until(() => model.calls(name).length === 1);
  assert.equal(await counted(door, database, 'key tokens%'), 18);
  const second = await start();
  t.after(() => second.close());
  const long = { model: name, input: 'as long as thirteen tokens or so, at three' };
  assert.equal(await statuses(1, () => ask('a', long, second)), '429');
});

test('a turn that another process takes over is counted once', async (t) => {
  const { ask, door, database, model, start } = await open(t, tokens(1_000_000), { a: { tenant: 'a' } });
  const { script, begun } = hangs('');
  const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });
  const name = model.script(add, script, says('ok'));
  await (await ask('a', { model: name, background: true, tools: [{ type: 'test_tool' }] })).text();
  await begun;
  await door.drain(0); // it gives the turn back
  const second = await start();
  t.after(() => second.close());
  await second.resume();
  await until(async () => model.calls(name).length === 3);
  await until(async () => {
    const { open } = await database.batch({ open: read(sql`SELECT count(*) AS n FROM jobs WHERE tenant = 'a'`) });
    return Number(open[0]?.n) === 0;
  });
  assert.equal(await counted(second, database, 'tenant tokens%'), 2 * 18);
});

test('a turn whose process is killed after some of it was counted is counted once', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOON }); // from where the clock goes on: its minute does not end meanwhile
  const clock = setInterval(() => t.mock.timers.tick(20), 20);
  t.after(() => clearInterval(clock));
  const database = await testDatabase();
  const { database: lost, die } = mortal(database);
  const model = await startScriptedModel();
  const start = (way: Database) =>
    openInProcess({
      database: way,
      lease: LEASE,
      config: parseConfig({ models: [{ match: 'scripted-*', backend: 'chat', url: model.url }], ...tokens(1_000_000) }),
    });
  const first = await start(lost);
  const second = await start(database);
  t.after(async () => {
    await Promise.all([first.close(), second.close(), model.close()]);
    await database.close();
  });
  const sum = async () => {
    const { found } = await database.batch({
      found: read(sql`SELECT sum(used) AS used FROM allowances WHERE name LIKE 'tenant tokens%'`),
    });
    return Number(found[0]?.used);
  };
  const { script, begun } = hangs('');
  const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });
  const name = model.script(add, add, script, says('ok'));
  const created = await post(first, { model: name, input: 'Hi', background: true, tools: [{ type: 'test_tool' }] });
  const { id } = (await created.json()) as { id: string };
  await begun;
  await until(async () => (await sum()) === 2 * 18); // what its two whole rounds have used, the database was told
  die();
  assert.equal((await takenOver(second, id)).status, 'completed');
  assert.equal(model.calls(name).length, 4);
  await second.drain(0);
  assert.equal(await sum(), 3 * 18);
});

test('an idempotent repetition counts once', async (t) => {
  const { door, database, model } = await open(t, { tenants: { '*': { limits: { requestsPerMinute: 5 } } } });
  const name = model.script(says('ok'));
  const headers = { 'idempotency-key': 'k' };
  assert.equal(await statuses(3, () => post(door, { model: name, input: 'Hi' }, { headers })), '200 200 200');
  assert.equal(await counted(door, database, 'tenant requests%'), 1);
});

test('a reload changes limits at once, and takes nothing of what was used', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOON });
  const model = await startScriptedModel();
  const config = (limit: number) =>
    parseConfig({
      models: [{ match: 'scripted-*', backend: 'chat', url: model.url }],
      tenants: { '*': { limits: { requestsPerMinute: limit } } },
    });
  const handler = await testHandler(model, { config: config(1) });
  t.after(async () => {
    await handler.close();
    await model.close();
  });
  const body = JSON.stringify({ model: model.script(says('ok')), input: 'Hi' });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const ask = () => handler.fetch(new Request('http://test/v1/responses', init));
  assert.equal(await statuses(2, ask), '200 429');
  handler.reload(config(3));
  t.mock.timers.tick(1_000); // so long nothing is asked again
  assert.equal(await statuses(3, ask), '200 200 429');
  handler.reload(config(2));
  assert.equal(await statuses(1, ask), '429');
});
