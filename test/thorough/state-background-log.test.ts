import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { LogNotifier } from '../../handler/background/log-notifier.ts';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { create, refuses } from '../promises/ask.ts';
import { ended } from '../promises/background.ts';
import { have, longReply, stored } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfig } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, hangs, says } from '../support/model/scripted.ts';
import { processes, reads, rowsOf, takenOver } from '../support/processes.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONTH = 30 * DAY;

const ENDS = /^UPDATE responses AS r SET body/;

const background = { background: true, input: 'Hi' };
const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });

const at = (database: Database, later: number) => sweep(database, new ProcessLease(1_000), Date.now() + later);

describe('what is kept of background turns', { concurrency: 4 }, () => {
  test('the events of a response go before the response does, and are then refused', async (t) => {
    const database = await testDatabase();
    const door = await openInProcess({ database });
    t.after(() => door.close());
    const model = door.model.script(says('x'.repeat(200_000)));
    const { id } = await create(door, { ...background, model });
    const response = await ended(door, id);
    await at(database, DAY - HOUR);
    await reads(door, id).whole;
    await at(database, DAY + HOUR);
    assert.deepEqual(await rowsOf(database), { responses: 1, items: 2, chunks: 2, jobs: 0, events: 0 });
    await refuses(await door.fetch(`/v1/responses/${id}?stream=true`), { status: 400, code: null, param: 'stream' });
    assert.deepEqual(await stored(door, id), response);
  });

  test('a reader from whom the events are taken away hears so, and of no end out of its order', async (t) => {
    const database = await testDatabase();
    const door = await openInProcess({ database });
    t.after(() => door.close());
    const { script, release } = longReply('Hel');
    const { id } = await create(door, { ...background, model: door.model.script(script) });
    const reply = await door.fetch(`/v1/responses/${id}?stream=true`);
    const reader = reply.body?.getReader();
    const decoder = new TextDecoder();
    let text = decoder.decode((await reader?.read())?.value);
    release();
    await ended(door, id);
    await at(database, DAY + HOUR);
    for (let next = await reader?.read(); !next?.done; next = await reader?.read()) text += decoder.decode(next?.value);
    const frames = text.split('\n\n').filter((frame) => /\ndata: \{/.test(frame));
    const events = frames.map((frame) => JSON.parse(frame.replace(/^.*\ndata: /, '')));
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );
    assert.equal(events.at(-1).type, 'error');
  });

  test('what was deleted or has expired leaves nothing behind, however it ended', async (t) => {
    const { whole, first, second, die } = await processes(t);
    const big = 'x'.repeat(200_000);
    const { script, begun } = longReply(big);
    const tools = [{ type: 'test_tool' }];
    const cases: [object, (id: string) => Promise<unknown>][] = [
      [{ model: first.model.script(says(big)) }, (id) => ended(first, id)],
      [{ model: first.model.script(add, says(big)), tools, instructions: big }, (id) => ended(first, id)],
      [
        { model: first.model.script(script) },
        async (id) => {
          await begun;
          await have(first, 'POST', `/v1/responses/${id}/cancel`);
        },
      ],
      [
        { model: first.model.script(longReply(big).script), instructions: big },
        async (id) => {
          await reads(second, id).seen(/"delta":"x/);
          die();
          await takenOver(second, id);
        },
      ],
    ];
    for (const [index, [body, end]] of cases.entries()) {
      const { id } = await create(first, { ...background, input: big, ...body });
      await end(id);
      if (index % 2 === 0) await have(second, 'DELETE', `/v1/responses/${id}`);
    }
    const { jobs = 0, events = 0 } = await rowsOf(whole);
    assert.ok(jobs === 0 && events > cases.length);
    await at(whole, 61_000);
    assert.equal((await rowsOf(whole)).responses, 2);
    await at(whole, MONTH + HOUR);
    assert.deepEqual(await rowsOf(whole), { responses: 0, items: 0, chunks: 0, jobs: 0, events: 0 });
  });

  for (const [what, pattern] of [
    ['a block of events', /^INSERT INTO events/],
    ['a call to come', /^UPDATE jobs SET progress = .*calling = 1/],
    ['a round', /^UPDATE jobs SET progress = .*calling = 0/],
    ['the end', ENDS],
  ] as const) {
    test(`when ${what} cannot be written once, it is tried again, and the log has no gap`, async (t) => {
      const whole = await testDatabase();
      let fails = true;
      const database: Database = {
        ...whole,
        async batch(statements) {
          const texts = statementsOf(statements).map(({ text }) => text);
          const begins = texts.some((text) => text.startsWith('INSERT INTO responses'));
          if (fails && !begins && texts.some((text) => pattern.test(text))) {
            fails = false;
            throw new Error('the disk is full');
          }
          return whole.batch(statements);
        },
      };
      const door = await openInProcess({ database });
      t.after(() => door.close());
      const model = door.model.script(add, says('Hel', 'lo'));
      const { id } = await create(door, { ...background, model, tools: [{ type: 'test_tool' }] });
      const { final, events } = await reads(door, id).whole;
      assert.equal(fails, false);
      assert.equal(final.status, 'completed');
      assert.equal(door.model.calls(model).length, 2);
      assert.deepEqual(await stored(door, id), final);
      assert.deepEqual((await reads(door, id).whole).events, events);
    });
  }

  test('a turn whose past cannot be read is made later', async (t) => {
    const whole = await testDatabase();
    let fails = true;
    const database: Database = {
      ...whole,
      async batch(statements) {
        if (fails && statementsOf(statements).some(({ text }) => text.includes('RECURSIVE chain'))) {
          fails = false;
          throw new Error('the network is away');
        }
        return whole.batch(statements);
      },
    };
    const door = await openInProcess({ database });
    t.after(() => door.close());
    const { id } = await create(door, { ...background, model: door.model.script(says('Hello')) });
    assert.equal((await takenOver(door, id)).status, 'completed');
    assert.equal(fails, false);
  });

  test('a cancel that others write before has all that they wrote', async (t) => {
    const { whole, first } = await processes(t, 60_000);
    const goes = Promise.withResolvers<void>();
    const { id } = await create(first, {
      ...background,
      model: first.model.script(async (turn) => {
        await goes.promise;
        await longReply('Hel').script(turn);
      }),
    });
    const early = reads(first, id);
    early.whole.catch(() => {}); // its process ends before it looks for the end
    // The one that cancels has read the log when the first text comes to be written.
    let waits = true;
    const database: Database = {
      ...whole,
      async batch(statements) {
        if (waits && statementsOf(statements).some(({ text }) => ENDS.test(text))) {
          waits = false;
          goes.resolve();
          await early.seen(/"delta":"Hel"/);
        }
        return whole.batch(statements);
      },
    };
    const second = await openInProcess({ database, config: testConfig(first.model) });
    t.after(() => second.close());
    await early.seen(/response.in_progress/);
    const cancelled = await have<object>(second, 'POST', `/v1/responses/${id}/cancel`);
    assert.partialDeepStrictEqual(cancelled, { status: 'cancelled', output: [{ status: 'incomplete' }] });
    assert.deepEqual((await reads(second, id).whole).final, cancelled);
  });

  test('a process that ends waits for its turns', async (t) => {
    const { first, second } = await processes(t, 60_000);
    const { script, begun, release } = longReply('Hel');
    const { id } = await create(first, { ...background, model: first.model.script(script) });
    await begun;
    const drained = first.drain(60_000);
    release();
    await drained;
    assert.equal((await stored(second, id)).status, 'completed');
  });

  test('what a process that ends does not end in time is taken over at once', async (t) => {
    const { first, second } = await processes(t, 60_000);
    const response = await create(first, { ...background, model: first.model.script(longReply('Hel').script) });
    const silent = first.model.script(hangs('').script, says('Hello'));
    const unsaid = await create(first, { ...background, model: silent });
    const readers = [response, unsaid].map(({ id }) => reads(second, id));
    await readers[0]?.seen(/"delta":"Hel"/);
    await readers[1]?.seen(/response.in_progress/);
    await first.drain(50);
    // Begun too late to be made here, where nobody makes anything any more.
    const late = await create(first, { ...background, model: first.model.script(says('late')) });
    await second.resume();
    assert.equal((await ended(second, response.id)).status, 'failed');
    assert.equal((await ended(second, unsaid.id)).status, 'completed');
    assert.equal((await ended(second, late.id)).status, 'completed');
    for (const reader of readers) await reader.whole;
  });

  test('a reader who waits for long leaves nothing behind on its signal', async () => {
    const notifier = new LogNotifier();
    const { signal } = new AbortController();
    for (let n = 0; n < 20; n++) {
      const news = notifier.next('resp_1', 60_000, signal);
      notifier.notify('resp_1');
      await news;
    }
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});
