import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { create } from '../promises/ask.ts';
import { openStream } from '../promises/background.ts';
import { longReply, stored } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { LEASE, reads } from '../support/processes.ts';

const background = { background: true, input: 'Hi' };

/** A database that fails where `is` says of a statement. */
function failing(whole: Database, is: (text: string) => boolean): Database {
  return {
    ...whole,
    async batch(statements) {
      if (statementsOf(statements).some(({ text }) => is(text))) throw new Error('SECRET: database is locked');
      return whole.batch(statements);
    },
  };
}

for (const [what, sql] of [
  ['log', 'FROM events e WHERE'],
  ['end', 'r.body, k.n'],
] as const) {
  test(`a reader does not notice that the ${what} could not be read for a moment`, async (t) => {
    let failures = 0;
    // The turn's own process reads its end as well.
    const database = failing(await testDatabase(), (text) => text.includes(sql) && failures > 0 && failures-- > 0);
    const door = await openInProcess({ database });
    t.after(() => door.close());
    const { script, begun, release } = longReply('Hel');
    const { id } = await create(door, { ...background, model: door.model.script(script) });
    await begun;
    const reader = reads(door, id);
    await reader.seen(/"delta":"Hel"/);
    failures = 2;
    release();
    const { events, final } = await reader.whole;
    assert.equal(failures, 0);
    assert.equal(final.status, 'completed');
    assert.deepEqual((await reads(door, id).whole).events, events);
  });
}

test('a database that stays away ends the reader, who may come again, and neither the server nor the turn', async (t) => {
  let away = false;
  const database = failing(await testDatabase(), (text) => away && text.includes('FROM events e WHERE'));
  const door = await openInProcess({ database, lease: LEASE });
  t.after(() => door.close());
  const { script, release } = longReply('Hel');
  const { id } = await create(door, { ...background, model: door.model.script(script) });
  const stream = await openStream(await door.fetch(`/v1/responses/${id}?stream=true`));
  await stream.holds('"delta":"Hel"');
  away = true;
  const text = await stream.text;
  assert.doesNotMatch(text, /SECRET|response.(completed|failed)/);
  const data = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, line = '']) => JSON.parse(line));
  const { type, sequence_number, code } = data.at(-1);
  assert.deepEqual([type, code], ['error', 'server_error']);
  assert.match(text, /data: \[DONE\]\n\n$/);

  away = false;
  assert.equal((await stored(door, id)).status, 'in_progress');
  release();
  const rest = await (await door.fetch(`/v1/responses/${id}?stream=true&starting_after=${sequence_number}`)).text();
  const numbers = [...rest.matchAll(/"sequence_number":(\d+)/g)].map(([, number]) => Number(number));
  assert.equal(numbers[0], data.at(-2).sequence_number + 1, 'it misses no event');
  assert.match(rest, /response.completed/);
});
