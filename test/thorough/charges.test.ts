import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { compileCel } from '../../handler/cel.ts';
import { parseConfig } from '../../handler/index.ts';
import { statementsOf, withBatch } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { read, sql } from '../../handler/state/database/sql.ts';
import { serveHttp } from '../../shim/http.ts';
import { create, stream } from '../promises/ask.ts';
import { have, longReply, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { type Door, doorAt, post, testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import {
  callsFunctions,
  failsMidway,
  hangs,
  replies,
  type Script,
  says,
  sends,
  startScriptedModel,
} from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { mortal } from '../support/processes.ts';
import { openSocket } from '../support/socket.ts';

const LIMIT = { timeout: 30_000 };

/** The tokens of one call of a scripted model. */
const CALL = { input: 11, output: 7, total: 18 };

const CALLER = { id: 'a', tenant: 'acme', user: 'alice', project: 'p1', key: 'k1' };
const costs = [{ match: '*', name: 'llm_cost', cel: 'input_tokens + 4u * output_tokens' }];

/** A process on a database, which it may lose, that charges turns; over HTTP. */
async function open(t: TestContext, { whole, usage = true }: { whole?: Database; usage?: boolean } = {}) {
  const model = await startScriptedModel();
  const stored = whole ?? (await testDatabase());
  const { database, ...ways } = mortal(stored);
  const batches: string[][] = [];
  const seen = withBatch(database, (below) => (statements) => {
    batches.push(statementsOf(statements).map(({ text }) => text));
    return below.batch(statements);
  });
  const config = parseConfig({ ...testConfigFile(model), usage, costs });
  const handler = await testHandler(model, { config, database: seen, compileCel, lease: 300, identify: () => CALLER });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch, log: () => {} });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, server.close);
  t.after(async () => {
    await door.close();
    await handler.close();
    if (!whole) await stored.close();
  });
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.port}/v1`, apiKey: 'test' });
  return { door, model, handler, database: stored, batches, socket: () => openSocket({ client }), ...ways };
}

/** The charges in a database, the oldest turn first, without what is the same in all or differs with the time. */
async function chargesOf(database: Database) {
  const { rows } = await database.batch({ rows: read(sql`SELECT * FROM charges ORDER BY id`) });
  return rows.map(
    ({ tenant, user_name, project, key_id, at, model, remove_at, cached, cache_write, reasoning, ...row }) => {
      assert.deepEqual([tenant, user_name, project, key_id], ['acme', 'alice', 'p1', 'k1']);
      assert.deepEqual([remove_at, cached, cache_write, reasoning], [0, 0, 0, 0]);
      assert.match(String(model), /^scripted-/);
      assert.ok(Math.abs(Number(at) - Date.now()) < 60_000);
      return row;
    },
  );
}

const cost = ({ input, output }: { input: number; output: number }) => JSON.stringify({ llm_cost: input + 4 * output });

async function background(door: Door, body: object) {
  const { id } = await create(door, { background: true, input: 'Hi', ...body });
  await until(
    async () =>
      !['queued', 'in_progress'].includes((await have<{ status: string }>(door, 'GET', `/v1/responses/${id}`)).status),
  );
  return id;
}

test('each turn that has ended has one charge, with its kind, whose it is and what it used', LIMIT, async (t) => {
  const { door, model, database, socket } = await open(t);
  const hello = model.script(says('Hello'));
  const ids = [(await create(door, { model: hello })).id, (await stream(door, { model: hello })).final.id];
  const connection = await socket();
  ids.push((await connection.create({ model: hello })).final.id);
  ids.push(await background(door, { model: hello }));
  const talk = [{ role: 'user', content: 'Hello.' }];
  ids.push((await have<{ id: string }>(door, 'POST', '/v1/responses/compact', { model: hello, input: talk })).id);
  ids.push((await create(door, { model: hello, store: false })).id);
  ids.push((await stream(door, { model: hello, store: false })).final.id);
  const charges = await chargesOf(database);
  assert.deepEqual(
    charges.map(({ id, kind }) => [id, kind]),
    ids.map((id, n) => [id, ['turn', 'stream', 'websocket', 'background', 'compaction', 'turn', 'stream'][n]]),
  );
  for (const { input, output, total, costs, kind, stored } of charges) {
    assert.deepEqual({ input, output, total }, CALL);
    assert.equal(costs, cost(CALL));
    if (kind === 'compaction') assert.equal(stored, 0);
  }
  assert.ok(charges.slice(0, 3).every(({ stored }) => Number(stored) > 500));
  assert.deepEqual(
    charges.slice(-2).map(({ stored }) => stored),
    [0, 0],
  );
});

test('a charge is in the batch that ends its turn, and alone in it if nothing is stored', LIMIT, async (t) => {
  const { door, model, batches } = await open(t);
  const hello = model.script(says('Hello'));
  const CHARGE = /^INSERT INTO charges/;
  const charged = () => batches.splice(0).filter((texts) => texts.some((text) => CHARGE.test(text)));
  await create(door, { model: hello, store: false });
  assert.equal(batches.length, 1);
  assert.equal(charged()[0]?.length, 1);
  for (const body of [{}, { stream: true }, { background: true }]) {
    if ('background' in body) await background(door, { model: hello });
    else await (await post(door, { model: hello, input: 'Hi', ...body })).text();
    const [texts = [], ...others] = charged();
    assert.equal(others.length, 0);
    assert.ok(
      texts.some((text) => /^INSERT INTO responses|^UPDATE responses AS r SET body/.test(text)),
      texts.join('\n'),
    );
  }
});

test('without `usage` nothing is charged', LIMIT, async (t) => {
  const { door, model, database } = await open(t, { usage: false });
  const hello = model.script(says('Hello'));
  await create(door, { model: hello });
  await create(door, { model: hello, store: false });
  await background(door, { model: hello });
  await have(door, 'POST', '/v1/responses/compact', { model: hello, input: [{ role: 'user', content: 'Hello.' }] });
  assert.deepEqual(await chargesOf(database), []);
});

test('the rounds of a tool loop are in one charge', LIMIT, async (t) => {
  const { door, model, database } = await open(t);
  const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}', id: 'c1' });
  const tools = [{ type: 'test_tool' }];
  await create(door, { model: model.script(add, says('It is 3.')), tools });
  await create(door, { model: model.script(add, says('It is 3.')), tools, store: false });
  await background(door, { model: model.script(add, says('It is 3.')), tools });
  const charges = await chargesOf(database);
  assert.deepEqual(
    charges.map(({ total }) => total),
    [36, 36, 36],
  );
  assert.deepEqual(
    charges.map(({ costs }) => costs),
    Array(3).fill(cost({ input: 22, output: 14 })),
  );
});

describe('a turn that did not come to its end is charged for what it used until then', LIMIT, () => {
  test('one that its server refused has no charge', LIMIT, async (t) => {
    const { door, model, database } = await open(t);
    const refusing = model.script(replies(400, { error: { message: 'no' } }));
    await (await post(door, { model: refusing, input: 'Hi' })).text();
    await (await post(door, { model: refusing, input: 'Hi', stream: true, store: false })).text();
    await (await post(door, { model: refusing, input: 'Hi' }, { method: 'POST' })).text();
    const compact = JSON.stringify({ model: refusing, input: [{ role: 'user', content: 'Hello.' }] });
    await door.fetch('/v1/responses/compact', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: compact,
    });
    assert.deepEqual(await chargesOf(database), []);
  });

  test('one that failed in its second round is charged for the first', LIMIT, async (t) => {
    const { door, model, database } = await open(t);
    const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}', id: 'c1' });
    const body = () => ({
      model: model.script(add, failsMidway({ message: 'broken' })),
      input: 'Hi',
      tools: [{ type: 'test_tool' }],
    });
    await (await post(door, { ...body(), stream: true })).text();
    await (await post(door, { ...body(), stream: true, store: false })).text();
    await background(door, body());
    const charges = await chargesOf(database);
    assert.deepEqual(
      charges.map(({ total }) => total),
      [CALL.total, CALL.total, CALL.total],
    );
  });

  test('one whose summary failed is charged for that too: as it was counted, or an estimate', LIMIT, async (t) => {
    const { door, model, database } = await open(t);
    const cut: Script = async (turn) => {
      await turn.text('They ');
      await turn.text('said ');
      turn.cut();
    };
    const failing = {
      counted: sends([{ content: 'They' }], 'length'),
      cut,
      refused: replies(400, { error: { message: 'no' } }),
    };
    const input = 'x'.repeat(300);
    const totals: Record<string, number[]> = {};
    for (const [how, script] of Object.entries(failing)) {
      const context_management = [{ type: 'compaction', compact_threshold: 50 }];
      for (const more of [{ stream: true }, { background: true }]) {
        const body = { model: model.script(says('Hello'), script), input, context_management, ...more };
        if (more.background) await background(door, body);
        else await (await post(door, body)).text();
      }
      totals[how] = (await chargesOf(database)).splice(-2).map(({ total }) => Number(total));
    }
    assert.deepEqual(totals.counted, [2 * CALL.total, 2 * CALL.total]);
    assert.deepEqual(totals.refused, [CALL.total, CALL.total]);
    // The summary reads what the turn did, some 100 tokens, and what it is asked to do; what it had said is two.
    assert.ok(
      totals.cut?.every((total) => total > CALL.total + 100 && total < CALL.total + 512),
      `${totals.cut}`,
    );

    for (const store of [true, false]) {
      const trigger = [{ role: 'user', content: input }, { type: 'compaction_trigger' }];
      await (await post(door, { model: model.script(cut), input: trigger, stream: true, store })).text();
      const { output, total } = (await chargesOf(database)).at(-1) ?? assert.fail();
      assert.ok(Number(output) >= 2 && Number(total) > 100, `${output} of ${total}`);
    }
  });

  for (const store of [true, false])
    test(`one whose client left is charged for what it read and heard: store ${store}`, LIMIT, async (t) => {
      const { door, model, database } = await open(t);
      const { script, begun } = hangs('Hello, my friend');
      const leaving = new AbortController();
      const name = model.script(script);
      const body = JSON.stringify({ model: name, input: 'Hi', stream: true, store });
      const headers = { 'content-type': 'application/json' };
      const reply = await door.fetch('/v1/responses', { method: 'POST', headers, body, signal: leaving.signal });
      const reader = reply.body?.getReader();
      await begun;
      let heard = '';
      while (!heard.includes('friend')) heard += new TextDecoder().decode((await reader?.read())?.value);
      leaving.abort();
      await until(async () => (await chargesOf(database)).length > 0);
      const [{ input, output, total } = {}] = await chargesOf(database);
      assert.ok(Number(input) > 0);
      assert.equal(output, 4); // 16 characters
      assert.equal(total, Number(input) + Number(output));
    });

  test(
    'one that was cancelled in the background is charged for its rounds, and an estimate of the last',
    LIMIT,
    async (t) => {
      const { door, model, database } = await open(t);
      const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}', id: 'c1' });
      const { script } = longReply('Hello, my friend');
      const { id } = await create(door, {
        ...{ background: true, input: 'Hi', tools: [{ type: 'test_tool' }] },
        model: model.script(add, script),
      });
      await until(async () => /my friend/.test(JSON.stringify(await eventsSoFar(database, id))));
      await have(door, 'POST', `/v1/responses/${id}/cancel`);
      const [charge, ...others] = await chargesOf(database);
      assert.deepEqual([charge?.id, others], [id, []]);
      // What its second call read is at least what the first read and said.
      assert.deepEqual([charge?.input, charge?.output], [CALL.input + CALL.total, CALL.output + 4]);
    },
  );

  test('one that was cancelled before it began is charged nothing', LIMIT, async (t) => {
    const whole = await testDatabase();
    t.after(() => whole.close());
    const { door, model, database, dieBefore } = await open(t, { whole });
    dieBefore(/^UPDATE responses AS r SET owner = .*, status = 'in_progress'/s);
    const { id } = await create(door, { background: true, input: 'Hi', model: model.script(says('Hello')) });
    const other = await open(t, { whole });
    await have(other.door, 'POST', `/v1/responses/${id}/cancel`);
    const charges = await chargesOf(database);
    assert.deepEqual(
      charges.map(({ id, total }) => [id, total]),
      [[id, 0]],
    );
  });
});

async function eventsSoFar(database: Database, id: string) {
  const { rows } = await database.batch({ rows: read(sql`SELECT body FROM events WHERE response = ${id}`) });
  return rows;
}

describe('of a process that dies', LIMIT, () => {
  test('a turn that a client waited for has failed, and is not charged', LIMIT, async (t) => {
    const whole = await testDatabase();
    t.after(() => whole.close());
    const { door, model, die } = await open(t, { whole });
    const { script, begun } = hangs();
    const reading = post(door, { model: model.script(script), input: 'Hi', stream: true });
    await begun;
    die();
    await (await reading).body?.cancel();
    const other = await open(t, { whole });
    await until(async () => {
      await other.handler.resume();
      const { rows } = await whole.batch({ rows: read(sql`SELECT status FROM responses`) });
      return rows.every(({ status }) => status === 'failed');
    });
    assert.deepEqual(await chargesOf(whole), []);
  });

  test('a turn in the background is charged for the rounds of both processes, once', LIMIT, async (t) => {
    const whole = await testDatabase();
    t.after(() => whole.close());
    const first = await open(t, { whole });
    first.dieAfter(/^UPDATE jobs SET progress = .*calling = 0/);
    const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}', id: 'c1' });
    const model = first.model.script(add, says('It is 3.'));
    const { id } = await create(first.door, { background: true, input: 'Hi', model, tools: [{ type: 'test_tool' }] });
    await until(async () => first.model.calls(model).length > 0);
    const config = parseConfig({ ...testConfigFile(first.model), usage: true, costs });
    const second = await testHandler(first.model, { config, database: whole, compileCel, lease: 300 });
    t.after(() => second.close());
    await until(async () => {
      await second.resume();
      return (await chargesOf(whole)).length > 0;
    });
    const charges = await chargesOf(whole);
    assert.deepEqual(
      charges.map(({ id, total, costs }) => [id, total, costs]),
      [[id, 36, cost({ input: 22, output: 14 })]],
    );
  });

  test('a turn in the background that had said something fails, and is charged for what is known', LIMIT, async (t) => {
    const whole = await testDatabase();
    t.after(() => whole.close());
    const first = await open(t, { whole });
    const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}', id: 'c1' });
    const model = first.model.script(add, hangs('Hello, my friend').script);
    const { id } = await create(first.door, { background: true, input: 'Hi', model, tools: [{ type: 'test_tool' }] });
    await until(async () => /my friend/.test(JSON.stringify(await eventsSoFar(whole, id))));
    first.die();
    const second = await open(t, { whole });
    await until(async () => {
      await second.handler.resume();
      return (await chargesOf(whole)).length > 0;
    });
    const charges = await chargesOf(whole);
    assert.deepEqual(
      charges.map(({ id, input, output }) => [id, input, output]),
      [[id, CALL.input, CALL.output]],
    );
  });

  test('an end of which only the answer was lost is charged once', LIMIT, async (t) => {
    for (const body of [{}, { stream: true }, { store: false }]) {
      const whole = await testDatabase();
      t.after(() => whole.close());
      let lost = 0;
      const losing = withBatch(whole, (below) => async (statements) => {
        const rows = await below.batch(statements);
        if (lost === 0 && statementsOf(statements).some(({ text }) => /^INSERT INTO charges/.test(text))) {
          lost++;
          throw new Error('the answer was lost');
        }
        return rows;
      });
      const { door, model } = await open(t, { whole: losing });
      const reply = await post(door, { model: model.script(says('Hello')), input: 'Hi', ...body });
      assert.match(await reply.text(), /"status":"completed"/);
      assert.equal(lost, 1);
      assert.equal((await chargesOf(whole)).length, 1);
    }
  });
});

test('a turn that is not stored fails if its charge cannot be written', LIMIT, async (t) => {
  const { door, model, die } = await open(t);
  die();
  const reply = await post(door, { model: model.script(says('Hello')), input: 'Hi', store: false });
  assert.equal(reply.status, 500);
});
