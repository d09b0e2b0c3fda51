import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaveChores, takeChore } from '../handler/state/chores.ts';
import { statementsOf } from '../handler/state/database/batch.ts';
import type { Batch, Database } from '../handler/state/database/database.ts';
import { testDatabase } from './support/doors/database.ts';
import { testHandler } from './support/doors/in-process.ts';
import { startScriptedModel } from './support/model/scripted.ts';

test('a chore is of the process that takes it first, until it leaves it or its time is over', async () => {
  const database = await testDatabase();
  const take = (owner: string, ms = 60_000) => takeChore(database, 'sweep', owner, ms);
  const all = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => take(owner)));
  assert.equal(all.filter(Boolean).length, 1);
  const has = ['a', 'b', 'c', 'd'][all.indexOf(true)] ?? assert.fail();
  assert.equal(await take(has, 60_000), true);
  assert.equal(await take('e'), false);
  await leaveChores(database, ['sweep'], has);
  assert.equal(await take('e', 30), true);
  assert.equal(await take('f'), false);
  await sleep(50);
  assert.equal(await take('f'), true);
  assert.equal(await takeChore(database, 'another', 'e', 1), true);
  await database.close();
});

test('of processes on one database four sweep, and when one ends the next', async (t) => {
  const shared = await testDatabase();
  const model = await startScriptedModel();
  const sweeps = [0, 0];
  const handlers = await Promise.all(
    sweeps.map(async (_, n) => {
      const database: Database = {
        ...shared,
        batch<B extends Batch>(batch: B) {
          if (statementsOf(batch).some(({ text }) => text.startsWith('DELETE FROM owners WHERE alive_until')))
            sweeps[n] = (sweeps[n] ?? 0) + 1;
          return shared.batch(batch);
        },
      };
      return testHandler(model, { database });
    }),
  );
  t.after(async () => {
    await shared.close();
    await model.close();
  });
  const others = ['sweep 2', 'sweep 3', 'sweep 4'];
  for (const chore of others) assert.ok(await takeChore(shared, chore, 'another', 60_000));
  const [first, second] = handlers;
  first?.maintain();
  await until(() => sweeps[0] === 1);
  second?.maintain();
  await sleep(100);
  assert.deepEqual(sweeps, [1, 0]);
  await first?.close();
  second?.maintain();
  await until(() => sweeps[1] === 1);
  await second?.close();
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}
