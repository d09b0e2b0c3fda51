import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { Database } from '../../handler/index.ts';
import { openDatabase } from '../../shim/database.ts';
import { create } from '../promises/ask.ts';
import { conversation, have, until } from '../promises/state-ask.ts';
import { debianPostgres } from '../support/debian-postgres.ts';
import { type Door, post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { says } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';

const page = readFileSync(new URL('../../docs/backup.md', import.meta.url), 'utf8');

/** Runs the commands that docs/backup.md has under this name, and gives what they print. */
async function run(name: string, variables: Record<string, string>): Promise<string> {
  const [commands] = page.split(`\`\`\`sh ${name}\n`)[1]?.split('\n```') ?? assert.fail(name);
  const env = { ...process.env, ...variables };
  const { stdout } = await promisify(execFile)('/bin/sh', ['-ec', commands ?? ''], { env });
  return stdout;
}

/** Makes turns until it is told to stop; gives the ids of those that were acknowledged so far. */
function busy(door: Door, model: string, conversations: readonly string[]) {
  const made: string[] = [];
  let stopping = false;
  const work = async (id: string) => {
    while (!stopping) made.push((await create(door, { model, input: 'x'.repeat(3_000), conversation: id })).id);
  };
  const all = Promise.all(conversations.map(work));
  return {
    made,
    async stop() {
      stopping = true;
      await all;
    },
  };
}

interface Place {
  open(): Promise<Database>;
  backup(): Promise<void>;
  /** Restores the backup; what is opened from then on is that. */
  restore(): Promise<void>;
}

/** A backup that is taken under load has what was acknowledged before it began, and a restored database goes on from it. */
async function bringsBack(t: TestContext, place: Place): Promise<void> {
  const database = await place.open();
  const door = await openInProcess({ database });
  const model = door.model.script(says('Hello'));
  const conversations = await Promise.all([1, 2, 3, 4].map(() => conversation(door)));
  const load = busy(door, model, conversations);
  while (load.made.length < 40) await new Promise((resolve) => setTimeout(resolve, 10));
  const before = [...load.made];
  await place.backup();
  const during = load.made.length - before.length;
  await load.stop();
  await door.close();
  await database.close();

  await place.restore();
  const restored = await place.open();
  const again = await openInProcess({ database: restored, lease: 600 });
  t.after(async () => {
    await again.close();
    await restored.close();
  });
  for (const id of before)
    assert.equal((await have<{ status: string }>(again, 'GET', `/v1/responses/${id}`)).status, 'completed');
  const speaks = again.model.script(says('On'));
  // Who made a turn when the backup was taken is dead, which shows when its lease is over.
  for (const id of conversations)
    await until(async () => (await post(again, { model: speaks, input: 'And?', conversation: id })).ok);
  await create(again, { model: speaks, input: 'And?', previous_response_id: before.at(-1) });
  t.diagnostic(`${before.length} turns before, ${during} while it was taken`);
}

const sqlite3 = ['/usr/bin/sqlite3', '/usr/local/bin/sqlite3'].some(existsSync);

test('a backup of SQLite by the commands of its page', { skip: !sqlite3 && 'there is no sqlite3' }, async (t) => {
  const folder = newFolder();
  const variables = { DATABASE: join(folder, 'antiphon.db'), BACKUP: join(folder, 'backup.db') };
  await bringsBack(t, {
    open: () => openDatabase(`sqlite:${variables.DATABASE}`),
    backup: async () => assert.equal(await run('backup sqlite', variables), 'ok\n'),
    restore: async () => void (await run('restore sqlite', variables)),
  });
});

const debian = debianPostgres();

test('a backup of PostgreSQL by the commands of its page', {
  skip: !debian && 'there is no pg_dump of Debian, which needs a server of its version',
}, async (t) => {
  const server = await startPostgres([], debian);
  t.after(() => server.stop());
  let DATABASE = await server.newDatabase();
  const PATH = `${debian}:${process.env.PATH}`;
  const variables = { PATH, BACKUP: join(newFolder(), 'backup.dump') };
  await bringsBack(t, {
    open: () => openDatabase(DATABASE),
    backup: async () => void (await run('backup postgres', { ...variables, DATABASE })),
    async restore() {
      DATABASE = await server.newDatabase();
      await run('restore postgres', { ...variables, RESTORED: DATABASE });
    },
  });
});
