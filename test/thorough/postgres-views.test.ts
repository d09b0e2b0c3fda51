import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import pg from 'pg';
import { compileCel } from '../../handler/cel.ts';
import { type Caller, parseConfig } from '../../handler/index.ts';
import { openDatabase } from '../../shim/database.ts';
import { create } from '../promises/ask.ts';
import { have } from '../promises/state-ask.ts';
import { asRole, newRoles } from '../support/databases/postgres-roles.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { replies, says, startScriptedModel } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';

const server = await startPostgres();
after(() => server.stop());

const page = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8');
const [failed = '', chain = '', usage = '', rights = ''] = Array.from(
  page.matchAll(/```sql\n([\s\S]*?)```/g),
  ([, text]) => text,
);

/** A handler on a database by two roles, whose caller is one of two tenants; and a client of its owner. */
async function open(t: { after(run: () => Promise<unknown>): void }) {
  const urls = await newRoles(server);
  const database = await openDatabase({ url: urls.url, admin: urls.admin });
  const model = await startScriptedModel();
  const caller: { tenant: string } = { tenant: 'acme' };
  const config = parseConfig({
    models: [{ match: '*', backend: 'chat', url: model.url }],
    costs: [{ match: '*', name: 'micros', cel: 'total_tokens * 2u' }],
    usage: true,
    isolation: 'user',
  });
  const identify = (): Caller => ({ id: 'alice', user: 'alice', ...caller });
  const door = await openInProcess({ database, config, compileCel, identify });
  const owner = new pg.Client(urls.admin);
  await owner.connect();
  t.after(async () => {
    await owner.end();
    await door.close();
    await model.close();
    await database.close();
  });
  return { urls, door, model, owner, caller };
}

test('the queries of the page give what was said, what failed, and what was used', async (t) => {
  const { door, model: server, owner, caller } = await open(t);
  const model = server.script(says('Hello'), says('Bye'), replies(400, { error: { message: 'no' } }));
  const long = `${'x'.repeat(900_000)}é`;
  const first = await create(door, { model, input: long, metadata: { topic: 'x' } });
  const second = await create(door, { model, input: 'And now?', previous_response_id: first.id });
  const refused = await post(door, { model, input: 'Fail', background: true }, {});
  const { id } = (await refused.json()) as { id: string };
  for (let status = ''; status !== 'failed'; )
    ({ status } = await have<{ status: string }>(door, 'GET', `/v1/responses/${id}`));
  caller.tenant = 'other';
  await create(door, { model: server.script(says('Not yours')), input: 'Hi' });

  const { rows: chained } = await owner.query(chain.replace('resp_...', second.id));
  assert.deepEqual(chained, [
    { role: 'user', text: long },
    { role: 'assistant', text: 'Hello' },
    { role: 'user', text: 'And now?' },
    { role: 'assistant', text: 'Bye' },
  ]);
  const { rows: failures } = await owner.query(failed);
  assert.deepEqual(
    failures.map(({ id, model }) => ({ id, model })),
    [{ id, model }],
  );
  assert.ok(failures[0].code && failures[0].message);
  assert.ok(Math.abs(failures[0].created_at - Date.now()) < 60_000);
  for (let sums = 0; sums < 2; sums++) {
    const { rows: used } = await owner.query(usage);
    const ours = used.find((row) => row.model === model);
    assert.deepEqual([Number(ours.requests), Number(ours.micros)], [3, 2 * Number(ours.tokens)]);
    await door.sweep(); // then they are added up
  }
  const { rows } = await owner.query('SELECT * FROM antiphon_views.responses WHERE id = $1', [first.id]);
  assert.partialDeepStrictEqual(rows[0], {
    tenant: 'acme',
    user_name: 'alice',
    status: 'completed',
    background: false,
    input_tokens: String(first.usage?.input_tokens),
    metadata: { topic: 'x' },
    error: null,
    body: { id: first.id, object: 'response' },
  });
});

test('what jsonb cannot hold is NULL, and stops no query', async (t) => {
  const { door, model, owner } = await open(t);
  const { id } = await create(door, { model: model.script(says('Hello')), input: 'a\0b' });
  const { id: conversation } = await have<{ id: string }>(door, 'POST', '/v1/conversations', {
    metadata: { a: '\ud800' },
  });
  const { rows } = await owner.query(
    'SELECT side, text FROM antiphon_views.items WHERE response_id = $1 ORDER BY side',
    [id],
  );
  assert.deepEqual(rows, [
    { side: 'input', text: null },
    { side: 'output', text: 'Hello' },
  ]);
  const { rows: others } = await owner.query('SELECT id, metadata FROM antiphon_views.conversations');
  assert.deepEqual(others, [{ id: conversation, metadata: null }]);
});

test('whoever reads sees what he has set, and no more than his rights', async (t) => {
  const { urls, door, model } = await open(t);
  await create(door, { model: model.script(says('Hello')), input: 'Hi' });
  const superuser = new pg.Client(urls.superuser);
  await superuser.connect();
  await superuser.query(rights);
  await superuser.end();
  const analyst = new pg.Client(asRole(urls.url, 'analyst'));
  await analyst.connect();
  const count = async () => {
    const counts: number[] = [];
    for (const view of ['responses', 'items', 'usage'])
      counts.push((await analyst.query(`SELECT * FROM antiphon_views.${view}`)).rows.length);
    return counts;
  };
  assert.deepEqual(await count(), [0, 0, 0]);
  await analyst.query(`SET app.tenant = '${`acme\u001falice`}'`);
  assert.deepEqual(await count(), [1, 2, 1]);
  await analyst.query("SET app.tenant = 'other'");
  assert.deepEqual(await count(), [0, 0, 0]);
  const refused = await analyst
    .query("INSERT INTO antiphon_views.conversations (id) VALUES ('x')")
    .catch((error) => error);
  assert.equal(refused.code, '42501');
  await analyst.end();
});

test('a role that may make no schema has no views, and starts', async () => {
  const { superuser, admin } = await newRoles(server);
  const client = new pg.Client(superuser);
  await client.connect();
  await client.query(
    `ALTER DATABASE ${new URL(superuser).pathname.slice(1)} OWNER TO postgres; GRANT CREATE ON SCHEMA public TO owner`,
  );
  await (await openDatabase({ url: admin })).close();
  const { rows } = await client.query(
    "SELECT to_regnamespace('antiphon_views') AS views, to_regclass('responses') AS tables",
  );
  assert.deepEqual(rows, [{ views: null, tables: 'responses' }]);
  await client.end();
});
