import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import type { Database } from '../../handler/state/database/database.ts';
import { withReplica } from '../../handler/state/database/postgres-replica.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { lagging, read, sql, write } from '../../handler/state/database/sql.ts';
import { create } from '../promises/ask.ts';
import { ask, have, type List, until } from '../promises/state-ask.ts';
import { connectPostgres } from '../support/databases/postgres.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';

const server = await startPostgres();
after(() => server.stop());

/** Where a batch is run. */
const WHERE = read(sql`SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END AS place`);

const placeOf = async (database: Database, mayLag = true) =>
  (await database.batch({ where: mayLag ? lagging(WHERE) : WHERE })).where[0]?.place;

test('reads that may lag are the replica’s while it is new enough, and all others the primary’s', async (t) => {
  const url = new URL(await server.newDatabase());
  const other = new URL(await server.newDatabase());
  const replica = await server.replicate();
  const primary = connectPostgres(url.href);
  const at = (url: URL) => Object.assign(new URL(url), { port: `${replica.port}` }).href;
  const reasons: (string | undefined)[] = [];
  const changed = (reason?: string) => void reasons.push(reason);
  const options = { maxLag: 3_600_000, interval: 20, changed };
  const database = withReplica(primary, async () => connectPostgres(at(url), 4, { patience: 0 }), options);
  const strict = withReplica(connectPostgres(url.href), async () => connectPostgres(at(url), 4, { patience: 0 }), {
    ...options,
    maxLag: 200,
  });
  const wrong = withReplica(connectPostgres(url.href), async () => connectPostgres(at(other), 4), options);
  await migrate(database);
  const door = await openInProcess({ database });
  const admin = new pg.Client(at(url));
  admin.on('error', () => {});
  await admin.connect();
  t.after(async () => {
    await door.close();
    await Promise.all([database.close(), strict.close(), wrong.close()]);
    await replica.stop('SIGQUIT');
  });
  await until(async () => (await placeOf(database)) === 'replica');
  assert.equal(await placeOf(database, false), 'primary');
  assert.equal(await placeOf(wrong), 'primary');
  await until(() => reasons.includes('it is of another database'));

  // A chain goes on at once, whatever the replica has; a list has what the replica has, and nothing that was deleted.
  const model = door.model.script(says('Hello'));
  const kept = await create(door, { model });
  const gone = await create(door, { model });
  const listed = async () => (await have<List>(door, 'GET', '/v1/responses')).data.map(({ id }) => id);
  await until(async () => (await listed()).length === 2);
  await admin.query('SELECT pg_wal_replay_pause()');
  await until(async () => (await placeOf(database)) === 'replica');
  const last = await create(door, { model, previous_response_id: kept.id });
  assert.equal((await ask(door, 'DELETE', `/v1/responses/${gone.id}`)).status, 200);
  assert.deepEqual(await listed(), [kept.id], 'what is the newest is missing, and what was deleted as well');
  await create(door, { model, previous_response_id: last.id });
  reasons.length = 0;
  await until(async () => (await placeOf(strict)) === 'primary' && reasons.includes('it is too far behind'));

  await admin.query('SELECT pg_wal_replay_resume()');
  await until(async () => (await placeOf(database)) === 'replica');
  await admin.end();
  await replica.stop('SIGQUIT');
  assert.equal(await placeOf(database), 'primary');
  assert.equal((await listed()).length, 3);
  await primary.batch({ made: write(sql`INSERT INTO owners (id, alive_until) VALUES ('a', 1)`) });
});
