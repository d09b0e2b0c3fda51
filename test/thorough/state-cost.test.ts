import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Database } from '../../handler/state/database/database.ts';
import { openDatabase } from '../../shim/database.ts';
import { create, stream } from '../promises/ask.ts';
import { have, type List, readablePaths } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { says } from '../support/model/scripted.ts';

let dir: string;

before(async () => {
  dir = newFolder();
});

/** A database that counts the round trips that it is asked for. */
function counting(database: Database): { database: Database; trips(): number } {
  let count = 0;
  let seen = 0;
  return {
    database: {
      ...database,
      batch(statements) {
        count++;
        return database.batch(statements);
      },
    },
    trips() {
      const trips = count - seen;
      seen = count;
      return trips;
    },
  };
}

test('a turn with a history of any depth takes three round trips, one without two, or one in one piece, and one that is not stored none', async (t) => {
  const { database, trips } = counting(await testDatabase());
  const door = await openInProcess({ database, usage: false });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  let { id } = await create(door, { model });
  assert.equal(trips(), 1, 'in one piece, without a history');
  await stream(door, { model });
  assert.equal(trips(), 2);
  for (let depth = 1; depth < 30; depth++) {
    const { final } = await stream(door, { model, previous_response_id: id });
    assert.equal(trips(), 3, `at depth ${depth}`);
    id = final.id;
  }
  await create(door, { model, previous_response_id: id, store: false });
  assert.equal(trips(), 1);
  await create(door, { model, store: false });
  assert.equal(trips(), 0);
  const reply = await door.fetch('/v1/conversations', { method: 'POST' });
  const { id: conversation } = (await reply.json()) as { id: string };
  assert.equal(trips(), 1);
  for (let turn = 1; turn < 10; turn++) {
    await create(door, { model, conversation });
    assert.equal(trips(), 3, `in turn ${turn} of a conversation`);
  }
  const { data } = await have<List>(door, 'GET', `/v1/conversations/${conversation}/items`);
  assert.equal(trips(), 1);
  for (const path of [
    ...readablePaths('responses', id),
    ...readablePaths('conversations', conversation, data[0]?.id),
  ]) {
    assert.equal((await door.fetch(path)).status, 200);
    assert.equal(trips(), 1, path);
  }
});

test('200 turns of 600 characters each way take at most 1 MB of a file, and what an empty one has', async (t) => {
  const file = join(dir, 'chain.db');
  const database = await openDatabase(`sqlite:${file}`, 'normal');
  const empty = database.storage?.()?.bytes ?? 0; // a page for each table and index
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const model = door.model.script(says('x'.repeat(600)));
  let previous_response_id: string | undefined;
  for (let turn = 0; turn < 200; turn++) {
    const { id } = await create(door, { model, input: 'y'.repeat(600), previous_response_id });
    previous_response_id = id;
  }
  const { messages } = door.model.calls(model).at(-1)?.body ?? {};
  assert.equal(messages.length, 399);
  await database.close();
  const { size } = await stat(file);
  assert.ok(size - empty <= 1_000_000, `${size} bytes, ${empty} of them when it was empty`);
});

test('what is not to be stored leaves no trace in any file', async (t) => {
  const database = await openDatabase(`sqlite:${join(dir, 'trace.db')}`, 'normal');
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const secret = 'a word that is nowhere else';
  const model = door.model.script(says(`I heard ${secret}`));
  const kept = await create(door, { model: door.model.script(says('kept')) });
  const reply = await door.fetch('/v1/conversations', { method: 'POST' });
  const { id: conversation } = (await reply.json()) as { id: string };
  const bodies = [{}, { stream: true }, { previous_response_id: kept.id }, { conversation }, { instructions: secret }];
  for (const body of bodies) {
    const reply = await post(door, { model, input: secret, store: false, metadata: { secret }, ...body });
    assert.match(await reply.text(), /a word that is nowhere else/);
  }
  assert.doesNotMatch(await everyByte(), /nowhere else/);
  await post(door, { model, input: secret });
  assert.match(await everyByte(), /nowhere else/);
  await database.close();
});

async function everyByte(): Promise<string> {
  const names = (await readdir(dir)).filter((name) => name.startsWith('trace.db'));
  assert.ok(names.length > 1, 'the log that is written ahead is looked at as well');
  const files = await Promise.all(names.map((name) => readFile(join(dir, name), 'latin1')));
  return files.join('\n');
}
