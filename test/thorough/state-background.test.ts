import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database, Runner, Work } from '../../handler/index.ts';
import { statementsOf } from '../../handler/state/database/batch.ts';
import { read, sql } from '../../handler/state/database/sql.ts';
import { callOf, create, endsOnLeaving } from '../promises/ask.ts';
import * as mcp from '../promises/mcp-ask.ts';
import { have, longReply, modelInput, stored, until } from '../promises/state-ask.ts';
import { post, testConfig } from '../support/doors/door.ts';
import { type InProcess, openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, hangs, says } from '../support/model/scripted.ts';
import { plays } from '../support/played-tool.ts';
import { LEASE, mortal, processes, reads, takenOver } from '../support/processes.ts';
import { testToolUseOf } from '../support/test-tool.ts';

const STOPPED = { code: 'server_error', message: 'The server that made this response has stopped.' };
const CLAIM = /^UPDATE responses AS r SET owner/;
const ENDS = /^UPDATE responses AS r SET body/;
const ROUND = /^UPDATE jobs SET progress = .*calling = 0/;
const CALLING = /^UPDATE jobs SET progress = .*calling = 1/;

/** What a model reads of a call that nobody knows the end of. */
const UNKNOWN = /not known whether this call was carried out/;

const background = { background: true, input: 'Hi' };
const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}', id: 'c1' });

async function progressOf(database: Database, id: string): Promise<string> {
  const { jobs } = await database.batch({ jobs: read(sql`SELECT progress FROM jobs WHERE response = ${id}`) });
  return String(jobs[0]?.progress);
}

async function ownerOf(database: Database, id: string): Promise<string> {
  const { found } = await database.batch({ found: read(sql`SELECT owner FROM responses WHERE id = ${id}`) });
  return String(found[0]?.owner);
}

/** They mostly wait for a lease to run out. */
describe('what becomes of background turns when their process dies', { concurrency: 4 }, () => {
  test('a queued turn is taken over at once, and completes', async (t) => {
    const { first, second, dieBefore } = await processes(t, 60_000);
    dieBefore(CLAIM);
    const { id, model } = await create(first, { ...background, model: first.model.script(says('Hello')) });
    const reader = reads(second, id);
    assert.equal((await stored(second, id)).status, 'queued');
    assert.equal((await takenOver(second, id)).status, 'completed');
    assert.deepEqual((await reader.whole).final, await stored(second, id));
    assert.equal(first.model.calls(model).length, 1);
  });

  test('a turn of which nothing was published is run again, and its numbers go on', async (t) => {
    const { first, second, die } = await processes(t);
    const model = first.model.script(hangs('').script, says('Hel', 'lo'));
    const { id } = await create(first, { ...background, model });
    const reader = reads(second, id);
    await reader.seen(/response.in_progress/);
    die();
    const { status, output } = await takenOver(second, id);
    assert.equal(status, 'completed');
    assert.partialDeepStrictEqual(output, [{ content: [{ text: 'Hello' }] }]);
    const { events } = await reader.whole;
    assert.equal(events.filter(({ type }) => type === 'response.in_progress').length, 1);
    assert.equal(first.model.calls(model).length, 2);
  });

  test('a turn that is run again sends on what its request came with, and who asked for it', async (t) => {
    const { first, second, die } = await processes(t);
    const model = first.model.counting('sent-chat', {}, hangs('').script, says('ok'));
    const reply = await post(first, { ...background, model }, { headers: { 'x-team': 'blue' } });
    const { id } = JSON.parse(await reply.text());
    const reader = reads(second, id);
    await reader.seen(/response.in_progress/);
    die();
    await takenOver(second, id);
    await reader.whole;
    const sent = first.model.calls(model).map(({ headers, body }) => [headers['x-team'], body.metadata]);
    const same = ['blue', { team: 'blue', tenant: 'default' }];
    assert.deepEqual(sent, [same, same]);
  });

  test('a turn of which something was published fails, with an incomplete item', async (t) => {
    const { first, second, die } = await processes(t);
    const model = first.model.script(longReply('Hel').script);
    const { id } = await create(first, { ...background, model });
    const reader = reads(second, id);
    await reader.seen(/"delta":"Hel"/);
    die();
    const response = await takenOver(second, id);
    assert.equal(response.status, 'failed');
    assert.deepEqual(response.error, STOPPED);
    assert.partialDeepStrictEqual(response.output, [{ type: 'message', status: 'incomplete' }]);
    const { events, final } = await reader.whole;
    const ends = events.slice(-3).map(({ type }) => type);
    assert.deepEqual(ends, ['response.output_item.done', 'error', 'response.failed']);
    assert.deepEqual(final, response);
    assert.deepEqual((await reads(second, id).whole).events, events);
    assert.equal(first.model.calls(model).length, 1);
  });

  test('a tool loop goes on with its next round, and no tool runs again', async (t) => {
    const { first, second, dieAfter } = await processes(t);
    dieAfter(ROUND);
    const model = first.model.script(add, says('It is 3.'));
    const { id } = await create(first, { ...background, model, tools: [{ type: 'test_tool' }] });
    const reader = reads(second, id);
    const { status, output, usage } = await takenOver(second, id);
    assert.equal(status, 'completed');
    assert.equal(output.length, 2);
    assert.partialDeepStrictEqual(output, [
      { type: 'mcp_call', name: 'add', output: '3' },
      { type: 'message', content: [{ text: 'It is 3.' }] },
    ]);
    assert.deepEqual(modelInput(first, model), ['user: Hi', 'assistant: add {"a":1,"b":2} #c1', 'tool c1: 3']);
    assert.equal(first.model.calls(model).length, 2);
    assert.deepEqual([usage?.input_tokens, usage?.output_tokens, usage?.total_tokens], [22, 14, 36]);
    assert.deepEqual((await reader.whole).final.output, output);
  });

  test('what a tool showed when it was opened is not shown again, and what it cited is', async (t) => {
    const { first, second, dieAfter } = await processes(t);
    dieAfter(ROUND);
    const model = first.model.script(callsFunctions({ name: 'cite', args: '{}' }), says('See X.'));
    const { id } = await create(first, { ...background, model, tools: [{ type: 'test_tool', shows: true }] });
    const reader = reads(second, id);
    const { output } = await takenOver(second, id);
    assert.equal(output.length, 3);
    assert.partialDeepStrictEqual(output, [
      { name: 'open' },
      { name: 'cite' },
      { type: 'message', content: [{ text: 'See X.', annotations: [{ type: 'url_citation', title: 'X' }] }] },
    ]);
    assert.deepEqual((await reader.whole).final.output, output);
  });

  test('a turn whose process dies twice, each time between two rounds, completes', async (t) => {
    const { whole, first, second, dieAfter } = await processes(t);
    dieAfter(ROUND);
    const model = first.model.script(add, hangs('').script, add, says('done'));
    const third = await openInProcess({ database: whole, lease: LEASE, config: testConfig(first.model) });
    t.after(() => third.close());
    const { id } = await create(first, { ...background, model, tools: [{ type: 'test_tool' }] });
    const reader = reads(third, id);
    await until(async () => {
      await second.resume();
      return first.model.calls(model).length === 2;
    });
    await second.drain(0);
    const { status, output, usage } = await takenOver(third, id);
    assert.equal(status, 'completed');
    assert.deepEqual(
      output.map(({ type }) => type),
      ['mcp_call', 'mcp_call', 'message'],
    );
    assert.equal(usage?.total_tokens, 54);
    await reader.whole;
  });

  for (const when of ['is about to run', 'runs']) {
    test(`a turn whose process dies while its tool ${when} goes on: it is not run again, and the model is told`, async (t) => {
      const { first, second, die, dieAfter } = await processes(t);
      const label = `dies while it ${when}`;
      const use = testToolUseOf(label);
      if (when !== 'runs') dieAfter(CALLING);
      const wait = callsFunctions({ name: 'wait', args: '{}', id: 'c1' });
      const model = first.model.script(wait, says('I do not know.'));
      const { id } = await create(first, { ...background, model, tools: [{ type: 'test_tool', label }] });
      const reader = reads(second, id);
      if (when === 'runs') {
        await until(() => use.waiting === 1);
        await reader.seen(/mcp_call_arguments.done/);
        die();
      }
      const runs = use.waiting;
      const { status, output, usage } = await takenOver(second, id);
      assert.equal(status, 'completed');
      assert.equal(use.waiting, runs);
      assert.equal(usage?.total_tokens, 36, 'of both rounds');
      const [shown, message, ...more] = when === 'runs' ? output : [undefined, ...output];
      assert.deepEqual(more, []);
      if (when === 'runs') {
        assert.partialDeepStrictEqual(shown, { type: 'mcp_call', name: 'wait', status: 'failed' });
        assert.match(JSON.stringify(shown), UNKNOWN);
      }
      assert.partialDeepStrictEqual(message, { content: [{ text: 'I do not know.' }] });
      const [, second_] = first.model.calls(model);
      const [call, answer] = second_?.body.messages.slice(-2) ?? [];
      assert.equal(call.tool_calls[0].id, 'c1');
      assert.equal(answer.tool_call_id, 'c1');
      assert.match(answer.content, UNKNOWN);
      const { events } = await reader.whole;
      assert.deepEqual((await reads(second, id).whole).events, events);
    });
  }

  test('of calls that run at the same time those that have ended keep their outputs, and none runs twice', async (t) => {
    const { whole, first, second, die } = await processes(t);
    const ran: string[] = [];
    const begun = Promise.withResolvers<void>();
    const entry = plays({
      functions: {
        quick: () => ({ output: `quick, after ${ran.push('quick') > 0}` }),
        hangs(_, signal) {
          ran.push('hangs');
          begun.resolve();
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
      },
    });
    const calls = callsFunctions(
      { name: 'hangs', args: '{}', id: 'c1' },
      { name: 'quick', args: '{}', id: 'c2' },
      { name: 'hangs', args: '{}', id: 'c3' },
    );
    const model = first.model.script(calls, says('One is known.'));
    const { id } = await create(first, { ...background, model, tools: [entry] });
    const reader = reads(second, id);
    await begun.promise;
    await until(async () => /"running":\{"items":4/.test(await progressOf(whole, id)));
    const owner = await ownerOf(whole, id);
    die();
    // The one that takes over dies as well, right after it has taken it.
    const another = mortal(whole);
    const third = await openInProcess({ database: another.database, lease: LEASE, config: testConfig(first.model) });
    t.after(() => third.close());
    another.dieAfter(CLAIM);
    await until(async () => {
      await third.resume().catch(() => {});
      return !['', owner].includes(await ownerOf(whole, id));
    });
    const { status, output } = await takenOver(second, id);
    assert.equal(status, 'completed');
    assert.deepEqual(ran.sort(), ['hangs', 'hangs', 'quick']);
    const shown = output.map((item) =>
      'name' in item ? `${item.name} ${'status' in item && item.status}` : item.type,
    );
    assert.deepEqual(shown, ['hangs failed', 'quick completed', 'hangs failed', 'message']);
    const answers = first.model.calls(model)[1]?.body.messages.slice(-3) ?? [];
    assert.deepEqual(
      answers.map(({ tool_call_id }: { tool_call_id: string }) => tool_call_id),
      ['c1', 'c2', 'c3'],
    );
    assert.match(answers[0].content, UNKNOWN);
    assert.equal(answers[1].content, 'quick, after true');
    assert.match(answers[2].content, UNKNOWN);
    await reader.whole;
  });

  test('calls that a client has approved run once, whoever goes on with the turn', async (t) => {
    const { first, second, die } = await processes(t);
    let ran = 0;
    const begun = Promise.withResolvers<void>();
    const entry = plays({
      calls: [{ type: 'function_call', id: 'fc_1', call_id: 'a1', name: 'send', arguments: '{}', status: 'completed' }],
      functions: {
        send(_, signal) {
          ran++;
          begun.resolve();
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
      },
    });
    const model = first.model.script(says('It may be sent.'));
    const { id } = await create(first, { ...background, model, tools: [entry] });
    await begun.promise;
    await reads(second, id).seen(/mcp_call.in_progress/);
    die();
    assert.equal((await takenOver(second, id)).status, 'completed');
    assert.equal(ran, 1);
    const [call, ...more] = first.model.calls(model);
    assert.deepEqual(more, []);
    assert.match(call?.body.messages.at(-1).content, UNKNOWN);
  });

  test('a call that had yet to be approved has not run, and is asked for when the model calls it again', async (t) => {
    const { first, second, die } = await processes(t);
    const begun = Promise.withResolvers<void>();
    const hangs = () => {
      begun.resolve();
      return new Promise<never>(() => {});
    };
    const server = first.model.mcp.serve([mcp.add, { name: 'hangs', run: hangs }]);
    const entry = mcp.entryFor(server, { require_approval: { never: { tool_names: ['hangs'] } } });
    const asked = mcp.callOf(server, { id: 'c1' });
    const calls = callsFunctions(asked, mcp.callOf(server, { name: 'hangs', args: {}, id: 'c2' }));
    const model = first.model.script(calls, callsFunctions({ ...asked, id: 'c3' }));
    const { id } = await create(first, { ...background, model, tools: [entry] });
    await begun.promise;
    await reads(second, id).seen(/mcp_call_arguments.done/);
    die();
    const { status, output } = await takenOver(second, id);
    assert.equal(status, 'completed');
    assert.deepEqual(
      output.map((item) => ('status' in item ? `${item.type} ${item.status}` : item.type)),
      ['mcp_list_tools', 'mcp_call failed', 'mcp_approval_request'],
    );
    const told = first.model.calls(model)[1]?.body.messages.slice(-2);
    assert.match(told[0].content, /^Not run: the server stopped before the user was asked/);
    assert.match(told[1].content, UNKNOWN);
    assert.equal(server.of('tools/call').length, 1);
  });

  for (const [what, name, tools] of [
    ['a tool has ended', 'asks', []],
    ['its client has to go on with', 'mine', [{ type: 'function', name: 'mine' }]],
  ] as const) {
    test(`a turn that ${what} ends, though its process died while another tool ran`, async (t) => {
      const { whole, first, second, die } = await processes(t);
      const begun = Promise.withResolvers<void>();
      const entry = plays({
        functions: {
          asks: () => ({ output: 'asked', endTurn: true }),
          hangs(_, signal) {
            begun.resolve();
            return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          },
        },
      });
      const calls = [name, 'hangs'].map((name) => ({ name, args: '{}', id: name }));
      const model = first.model.script(callsFunctions(...calls), says('never'));
      const { id } = await create(first, { ...background, model, tools: [entry, ...tools] });
      await begun.promise;
      const ends = name === 'asks' ? /"ends":true/ : /"running"/;
      await until(async () => ends.test(await progressOf(whole, id)));
      die();
      const { status, output } = await takenOver(second, id);
      assert.equal(status, 'completed');
      assert.equal(first.model.calls(model).length, 1);
      assert.equal(
        output.some((item) => item.type === 'function_call'),
        name === 'mine',
      );
    });
  }

  for (const [what, end] of [
    ['was made elsewhere', takenOver],
    ['was cancelled elsewhere', (door, id) => have(door, 'POST', `/v1/responses/${id}/cancel`)],
  ] satisfies [string, (door: InProcess, id: string) => Promise<object>][]) {
    test(`a process that was only stopped writes nothing over what ${what}, and ends its model call`, async (t) => {
      const { first, second, pause, goOn } = await processes(t);
      const goes = Promise.withResolvers<void>();
      const speaks = longReply('mine');
      const model = first.model.script(async (turn) => {
        await goes.promise;
        await speaks.script(turn);
      }, says('yours'));
      const { id } = await create(first, { ...background, model });
      await reads(second, id).seen(/response.in_progress/);
      pause();
      const made = await end(second, id);
      const { events } = await reads(second, id).whole;
      goes.resolve();
      await speaks.begun;
      // Time enough for its events to be on their way to the database.
      await new Promise((resolve) => setTimeout(resolve, 100));
      goOn();
      await callOf(first, model).closed;
      await first.drain(60_000);
      assert.deepEqual(await stored(second, id), made);
      assert.deepEqual((await reads(second, id).whole).events, events);
    });
  }

  test('a process that was stopped as it failed a turn does not fail it for those who have it since', async (t) => {
    const { whole, first, second, dieBefore } = await processes(t);
    const { database, pause, goOn } = mortal(whole);
    // It does not know the model.
    const third = await openInProcess({
      database: {
        ...whole,
        batch(statements) {
          if (statementsOf(statements).some(({ text }) => ENDS.test(text))) pause();
          return database.batch(statements);
        },
      },
      lease: LEASE,
      config: { ...testConfig(first.model), models: [{ match: 'another', backend: 'demo' }] },
    });
    t.after(() => third.close());
    dieBefore(CLAIM);
    const { script, release } = longReply('Hel');
    const { id } = await create(first, { ...background, model: first.model.script(script) });
    const ownerOf = async () => {
      const { found } = await whole.batch({ found: read(sql`SELECT owner FROM responses WHERE id = ${id}`) });
      return found[0]?.owner;
    };
    await third.resume();
    await until(async () => (await ownerOf()) !== '');
    const stopped = await ownerOf();
    await until(async () => {
      await second.resume();
      return (await ownerOf()) !== stopped;
    });
    goOn();
    await third.drain(60_000);
    const reader = reads(second, id);
    await reader.seen(/"delta":"Hel"/);
    release();
    assert.equal((await reader.whole).final.status, 'completed');
  });

  test('a process hears that its turn was cancelled elsewhere, though its model is silent', async (t) => {
    const { first, second } = await processes(t);
    await endsOnLeaving(first, async () => {
      const { script } = hangs('');
      const { id, model } = await create(first, { ...background, model: first.model.script(script) });
      await reads(second, id).seen(/response.in_progress/);
      return {
        leave: () => have(second, 'POST', `/v1/responses/${id}/cancel`),
        closed: () => callOf(first, model).closed,
      };
    });
  });

  test('of processes that look for turns at the same time one makes each', async (t) => {
    const { whole, first, second, die } = await processes(t, 2 * LEASE);
    const others = [second];
    for (let n = 0; n < 3; n++) {
      const door = await openInProcess({ database: whole, lease: 2 * LEASE, config: testConfig(first.model) });
      t.after(() => door.close());
      others.push(door);
    }
    const turns: Awaited<ReturnType<typeof create>>[] = [];
    for (let n = 0; n < 5; n++) {
      const model = first.model.script(hangs('').script, says('Hello'));
      turns.push(await create(first, { ...background, model }));
    }
    await until(() => turns.every(({ model }) => first.model.calls(model).length === 1));
    die();
    await until(async () => {
      await Promise.all(others.map((door) => door.resume()));
      const now = await Promise.all(turns.map(({ id }) => stored(second, id)));
      return now.every(({ status }) => status === 'completed');
    });
    for (const { id, model } of turns) {
      assert.equal(first.model.calls(model).length, 2);
      await reads(second, id).whole;
    }
  });

  test('a sweep does not fail background turns', async (t) => {
    const { whole, first, second, die } = await processes(t);
    const { id } = await create(first, { ...background, model: first.model.script(hangs('').script, says('ok')) });
    await reads(second, id).seen(/response.in_progress/);
    die();
    const alive = () => read(sql`SELECT * FROM owners WHERE alive_until > ${Date.now()}`);
    await until(async () => (await whole.batch({ alive: alive() })).alive.length === 0);
    await second.sweep();
    assert.equal((await stored(second, id)).status, 'in_progress');
    assert.equal((await takenOver(second, id)).status, 'completed');
  });

  test('work that comes when its response is gone has nothing to do, and says so', async (t) => {
    let work: Work | undefined;
    const runner = (does: Work): Runner => {
      work = does;
      return { start: async () => {}, stop: async () => {}, close: async () => {} };
    };
    const door = await openInProcess({ runner });
    t.after(() => door.close());
    assert.equal(await work?.({ tenant: '', id: 'resp_gone', caller: '' }, new AbortController().signal), true);
  });
});
