import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { migrate } from '../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { newFolder } from '../support/folder.ts';

const LIMIT = 1_000;
/** What a process may have ahead. */
const AHEAD = Math.floor(LIMIT / 16);

const PROCESS = join(import.meta.dirname, '../support/allowance-process.ts');

test('four processes on one file use all of a limit: no more, and no less than what a killed one may have had', {
  timeout: 60_000,
}, async (t) => {
  const file = join(newFolder(), 'test.db');
  const database = sqliteDatabase(new DatabaseSync(file), { defer: setImmediate });
  await migrate(database);
  await database.close();
  const counts = [0, 0, 0, 0];
  const start = (n: number, onCount?: (child: ChildProcess) => void) => {
    const child = spawn(process.execPath, [PROCESS, file, String(LIMIT), String(n)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    createInterface({ input: child.stdout }).on('line', (line) => {
      counts[n] = Number(line);
      onCount?.(child);
    });
    return once(child, 'close');
  };
  // The one to be killed reserves first, or on a busy machine the others may have used all before it has made a turn.
  const reserved = Promise.withResolvers<void>();
  const killed = start(3, (child) => {
    reserved.resolve();
    // In the middle of what it has reserved, or behind it: whenever that is, the others have the rest.
    if (counts[3] === 20) child.kill('SIGKILL');
  });
  await reserved.promise;
  const ends = await Promise.all([start(0), start(1), start(2), killed]);
  assert.deepEqual(ends, [...Array(3).fill([0, null]), [null, 'SIGKILL']]);
  const made = counts.reduce((a, b) => a + b);
  assert.ok(made <= LIMIT + AHEAD && made >= LIMIT - AHEAD, `${made}: ${counts}`);
  const opened = new DatabaseSync(file);
  const { used } = opened.prepare('SELECT sum(used) AS used FROM allowances').get() ?? {};
  opened.close();
  assert.equal(used, LIMIT, 'all that is written down is the limit');
  assert.ok(made - LIMIT <= (counts[3] ?? 0), 'what is more was made by the one that could not say so');
});
