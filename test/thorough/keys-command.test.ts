import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { sha256Of } from '../../handler/identity/key.ts';
import { parseConfig } from '../../handler/index.ts';
import { keys } from '../../shim/keys.ts';
import { readKeysFlags } from '../../shim/keys-flags.ts';
import { startProduct } from '../../shim/product.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';

const MAIN = join(import.meta.dirname, '../../shim/main.ts');

/** A configuration whose keys are those of its database, and `keys` on it: what it prints, and what it says beside that. */
async function open(more: object = {}) {
  const folder = newFolder();
  const database = join(folder, 'a.db');
  const port = await freePort();
  const config = {
    listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: 'off' },
    models: [{ match: 'demo', backend: 'demo' }],
    database: `sqlite:${database}`,
    auth: [{ keys: [] }],
    ...more,
  };
  const file = join(folder, 'a.yaml');
  await writeFile(file, JSON.stringify(config));
  const run = async (line: string) => {
    const printed: string[] = [];
    const said: string[] = [];
    const output = { print: (text: string) => printed.push(text), say: (text: string) => said.push(text) };
    await keys([...line.split(' '), '-config', file], {}, output);
    return { printed: printed.join('\n'), said: said.join('\n') };
  };
  const status = async (key: string, path = '/v1/models') => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-api-key': key } });
    await reply.body?.cancel();
    return reply.status;
  };
  return { file, database, run, status };
}

const idOf = (key: string) => key.split('_')[1] ?? '';

test('a key that another process makes, replaces and revokes works, and stops, in one that runs', async (t) => {
  const { file, run, status, database } = await open();
  const product = await startProduct({ flags: { config: file } });
  t.after(() => product.stop());
  const made = await promisify(execFile)(process.execPath, [
    MAIN,
    'keys',
    'create',
    '-tenant',
    'acme',
    '-config',
    file,
  ]);
  const key = made.stdout.trimEnd();
  assert.match(key, /^ak_\w{12}_[\w-]{50}$/);
  assert.match(made.stderr, /tenant acme, and does not expire\. It is not shown again/);
  assert.equal(await status(key), 200);
  const next = (await run(`rotate ${idOf(key)}`)).printed;
  assert.deepEqual([await status(key), await status(next)], [200, 200]);
  const { printed: listed } = await run('list');
  for (const secret of [key, next, await sha256Of(key)]) assert.ok(!listed.includes(secret));
  assert.match(listed, new RegExp(`${idOf(key)} +acme .*was replaced by ${idOf(next)}`));
  await run(`revoke ${next}`); // whoever finds a key has all of it
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + 5_000);
  assert.deepEqual([await status(key), await status(next)], [200, 401]);
  assert.match((await run('list -tenant acme')).printed, /was revoked 20/);
  assert.equal((await run('list -tenant other')).printed, 'there are no keys');
  for (const name of [database, `${database}-wal`])
    for (const secret of [key, next]) assert.ok(!(await readFile(name, 'latin1')).includes(secret.slice(-40)), name);
});

test('a key has what its flags say, and one that replaces it has the same', async () => {
  const costs = ['llm_cost', 'gpu'].map((name) => ({ match: '*', name, cel: '1u' }));
  const { database, run } = await open({ costs });
  const rights =
    '-tenant acme -user ann -project p1 -models qwen*,demo -scopes read,write -turns 4 -background-turns 2 -sockets 1 ' +
    '-requests-per-minute 60 -tokens-per-minute 10000 -budgets 500/30d,gpu=7/90m';
  const key = (await run(`create ${rights} -expires 2099-01-31`)).printed;
  const { said } = await run(`rotate ${idOf(key)} -overlap 0s -expires 30d`);
  assert.match(said, /has the rights of .* and expires 20/);
  const rows = new DatabaseSync(database).prepare('SELECT * FROM keys ORDER BY created_at, replaced_by IS NULL').all();
  const [old, next] = rows;
  assert.equal(old?.id, idOf(key));
  assert.equal(old?.replaced_by, next?.id);
  const same = (row?: object) => {
    const { tenant, user_name, project, models, scopes, limits, budgets } = { ...row } as Record<string, unknown>;
    return [tenant, user_name, project, models, scopes, limits, budgets];
  };
  const limits = '{"turns":4,"backgroundTurns":2,"sockets":1,"requestsPerMinute":60,"tokensPerMinute":10000}';
  const budgets = '[{"cost":"llm_cost","amount":500,"window":2592000000},{"cost":"gpu","amount":7,"window":5400000}]';
  assert.deepEqual(same(old), ['acme', 'ann', 'p1', '["qwen*","demo"]', '["read","write"]', limits, budgets]);
  await run('create -tenant other -requests-per-minute 60 -budgets 500/30d,gpu=7/90m');
  assert.match((await run('list -tenant other')).printed, / requestsPerMinute=60,llm_cost=500\/30d,gpu=7\/90m /);
  assert.deepEqual(same(next), same(old));
  assert.ok(Number(old?.expires_at) <= Date.now());
  await assert.rejects(run(`rotate ${idOf(key)}`), /was replaced by .*: keys create makes a new one/);
});

test('-print makes an entry of the configuration, and stores nothing', async (t) => {
  const { run, file } = await open();
  const { printed } = await run('create -print -tenant acme -scopes read -budgets 5/30d -expires 2099-01-31');
  const [key = '', entry = ''] = printed.split('\n');
  const listed = JSON.parse(entry.replace(/^- /, ''));
  assert.deepEqual(listed, {
    id: idOf(key),
    sha256: await sha256Of(key),
    tenant: 'acme',
    scopes: ['read'],
    budgets: [{ cost: 'llm_cost', amount: 5, window: '30d' }],
    expires: '2099-01-31',
  });
  assert.equal((await run('list')).printed, 'there are no keys');
  assert.throws(
    () => parseConfig({ auth: [{ keys: [listed] }] }),
    /auth\.0\.keys\.0\.budgets\.0\.cost is none of `costs`/,
  );
  const written = JSON.parse(await readFile(file, 'utf8'));
  const costs = [{ match: '*', cel: '1u' }];
  await writeFile(
    file,
    `${JSON.stringify({ ...written, costs, auth: undefined }).slice(0, -1)},"auth":[{"keys":\n[${entry.slice(2)}]}]}`,
  );
  const product = await startProduct({ flags: { config: file } });
  t.after(() => product.stop());
  const port = Number(written.listen.http.split(':')[1]);
  const reply = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(reply.status, 200);
  await reply.text();
  await assert.rejects(run(`revoke ${idOf(key)}`), /stands in the configuration: take it out there/);
});

test('a configuration that asks nobody for keys is said so', async () => {
  const { run } = await open({ auth: undefined });
  assert.match((await run('create')).said, /no entry `keys` in `auth` yet/);
});

describe('what is wrong is told with its flag', () => {
  for (const [line, message] of [
    ['crate', `"crate" is none of keys' one of create, list, revoke, rotate: did you mean create? (see keys -help)`],
    ['create acme', 'unexpected argument behind keys: a value follows its flag (see keys -help)'],
    ['create -tenat a', 'unknown flag -tenat: did you mean -tenant? (see keys -help)'],
    ['create -tenant', 'flag -tenant needs a value'],
    ['create -tenant a -tenant b', 'flag -tenant is there twice'],
    ['create -overlap 1h', 'flag -overlap is not for keys create (see keys -help)'],
    ['create -print -sql', 'flags -print and -sql: take one of them'],
    ['create -print=no', 'flag -print takes no value'],
    ['create -scopes read,wirte', 'flag -scopes must be one of read, write, background, admin: did you mean write?'],
    ['create -models qwen,', 'flag -models must not be empty'],
    ['create -background-turns 0', 'flag -background-turns must be at least 1'],
    ['create -requests-per-minute 0', 'flag -requests-per-minute must be at least 1'],
    ['create -budgets 5', 'flag -budgets must be a list such as llm_cost=500000000/30d'],
    ['create -budgets 5/1s', 'flag -budgets must be at least 1m'],
    [
      'create -budgets 5/30d',
      'flag -budgets names the cost llm_cost, which `costs` of the configuration does not have: it has none',
    ],
    ['create -sockets 1.5', 'flag -sockets must be a whole number'],
    [
      'create -expires tomorrow',
      'flag -expires must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
    ],
    ['create -expires 2020-01-01', 'flag -expires is in the past'],
    ['create -expires 5x', 'flag -expires must be a number with its unit, such as 30d'],
    ['rotate', 'keys rotate needs the id of a key, as keys list has it'],
    ['rotate k1 k2', 'unexpected argument behind keys: a value follows its flag (see keys -help)'],
    ['rotate k1 -overlap soon', 'flag -overlap must be a number with its unit, such as 30d'],
  ] as const) {
    test(line, async () => {
      const { run } = await open();
      await assert.rejects(run(line), { message });
    });
  }

  test('an id that no key has', async () => {
    const { run, database } = await open();
    for (const line of ['revoke k1', 'rotate k1'])
      await assert.rejects(run(line), { message: `there is no key of this id in sqlite:${database}: see keys list` });
  });

  test('a database in memory', async () => {
    const { run } = await open({ database: 'sqlite::memory:' });
    await assert.rejects(run('create'), /in memory.*keys create -print/);
  });

  test('keys alone', () => assert.throws(() => readKeysFlags([]), /keys needs one of create, list, revoke, rotate/));
});
