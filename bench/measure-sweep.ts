import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { read, sql } from '../handler/state/database/sql.ts';
import { ProcessLease } from '../handler/state/process-lease.ts';
import { sweep } from '../handler/state/sweep.ts';
import { openDatabase } from '../shim/database.ts';
import { newFolder } from '../test/support/folder.ts';
import type { Plan } from './plan.ts';
import type { Swept } from './results.ts';

const HOUR = 3_600_000;

/** How long other work waits while what has expired is removed from a large database, in a process that does nothing else. */
export async function measureSweep({ swept: { responses, expired } }: Plan): Promise<Swept> {
  const folder = newFolder();
  try {
    const file = join(folder, 'bench.db');
    await (await openDatabase(`sqlite:${file}`)).close();
    fill(file, responses, responses / expired);
    const database = await openDatabase(`sqlite:${file}`, 'normal', () => {});
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const begun = performance.now();
    delay.enable();
    let left = expired;
    let runs = 0;
    for (; left > 0; runs++) {
      await sweep(database, new ProcessLease(30_000), Date.now());
      const before = left;
      const { due } = await database.batch({
        due: read(sql`SELECT count(*) AS n FROM responses WHERE waits = 0 AND expires_at < ${Date.now() - HOUR / 2}`),
      });
      left = Number(due[0]?.n);
      if (left === before) throw new Error('a sweep removes nothing');
    }
    delay.disable();
    const seconds = (performance.now() - begun) / 1000;
    await database.close();
    return { responses, expired, seconds, runs, longest: delay.max / 1e6 };
  } finally {
  }
}

/** Fills a database: of so many responses, with an item each way, one has expired; every second of those is gone on from. */
function fill(file: string, responses: number, every: number): void {
  const connection = new DatabaseSync(file);
  connection.exec('PRAGMA synchronous = OFF');
  const body = JSON.stringify({ metadata: {}, text: 'x'.repeat(200) });
  const now = Date.now();
  connection.exec(`
    BEGIN;
    WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ${responses - 1})
    INSERT INTO responses (tenant, id, parent, owner, status, background, compacted, body, listed, expires_at)
    SELECT 'default', printf('resp_%08d', n), CASE WHEN n % ${2 * every} = 1 THEN printf('resp_%08d', n - 1) END,
      '', 'completed', 0, 0, '${body}', 1, CASE WHEN n % ${every} = 0 THEN ${now - HOUR} ELSE ${now + HOUR} END FROM n;
    INSERT INTO items (tenant, holder, side, place, id, body) SELECT tenant, id, 'input', 0, 'msg_i' || id, '${body}' FROM responses;
    INSERT INTO items (tenant, holder, side, place, id, body) SELECT tenant, id, 'output', 0, 'msg_o' || id, '${body}' FROM responses;
    COMMIT`);
  connection.close();
}
