import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Caller } from '../../handler/caller.ts';
import { compileCel } from '../../handler/cel.ts';
import type { Charge } from '../../handler/charge.ts';
import { fixedLimits, parseConfig } from '../../handler/index.ts';
import type { UsagePage } from '../../handler/protocol/usage.ts';
import { addUpCharges, removeCharges } from '../../handler/state/charge-sums.ts';
import { insertCharge } from '../../handler/state/charges.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { read, sql } from '../../handler/state/database/sql.ts';
import { readUsage, type UsageGroup } from '../../handler/state/usage.ts';
import { create, refuses } from '../promises/ask.ts';
import { have } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';

const DAY = 86_400_000;
const TODAY = Date.UTC(2026, 10, 28);

async function open(t: TestContext): Promise<Database> {
  const database = await testDatabase();
  t.after(() => database.close());
  return database;
}

let number = 0;

function charge(part: Partial<Charge> = {}): Charge {
  const tokens = { input: 10, cached: 4, cacheWrite: 1, output: 5, reasoning: 2, total: 15 };
  const whose = { tenant: 'acme', user: undefined, project: undefined, key: undefined };
  const what = { kind: 'turn', model: 'm', response: `resp_${number++}`, at: TODAY + 1_000, stored: 0 } as const;
  return { ...whose, ...what, tokens, costs: { llm_cost: 7 }, ...part };
}

async function insert(database: Database, charges: readonly Charge[]) {
  await database.batch({ charges: charges.map(insertCharge) });
}

async function sums(database: Database, by: readonly UsageGroup[] = [], tenant = 'acme') {
  const range = { from: TODAY - 30 * DAY, to: TODAY + DAY, limit: 1_000 };
  return readUsage(database, { tenant, by: new Set(by), ...range });
}

const count = async (database: Database, table: 'charges' | 'usage') =>
  Number(
    (
      await database.batch({
        n: read(table === 'charges' ? sql`SELECT count(*) AS n FROM charges` : sql`SELECT count(*) AS n FROM usage`),
      })
    ).n[0]?.n,
  );

/** Adds everything up. */
async function addUp(database: Database, now = TODAY) {
  while (await addUpCharges(database, now));
}

test('charges are added up by day, user, project, key, model and kind, and a query is the same before, between and after', async (t) => {
  const database = await open(t);
  const charges = [
    charge(),
    charge(),
    charge({ at: TODAY - 1 }),
    charge({ user: 'alice' }),
    charge({ project: 'p' }),
    charge({ key: 'k' }),
    charge({ model: 'n' }),
    charge({ kind: 'background', costs: {} }),
    charge({ costs: { llm_cost: 1, quota: 3 } }),
    charge({ tenant: 'other' }),
  ];
  const all = ['day', 'user', 'project', 'key', 'model', 'kind'] as const;
  const asked = async () => [await sums(database), await sums(database, all), await sums(database, ['model', 'day'])];
  await insert(database, charges.slice(0, 6));
  await addUp(database);
  await insert(database, charges.slice(6));
  const between = await asked();
  const [[whole] = [], each] = between;
  assert.deepEqual(whole, {
    key: [0, '', '', '', '', ''],
    requests: 9,
    counts: { input: 90, cached: 36, cache_write: 9, output: 45, reasoning: 18, total: 135 },
    costs: { llm_cost: 7 * 7 + 1, quota: 3 },
  });
  assert.equal(each?.length, 7);
  assert.deepEqual(each?.[0]?.key, [TODAY - DAY, '', '', '', 'm', 'turn']);
  await addUp(database);
  assert.deepEqual(await asked(), between);
  const other = await sums(database, [], 'other');
  assert.equal(other[0]?.requests, 1);
  assert.deepEqual(await sums(database, [], 'nobody'), []);
});

test('several processes that add up at once add each charge once', async (t) => {
  const database = await open(t);
  const charges = Array.from({ length: fixedLimits.chargeRows * 2 + 100 }, (_, n) => charge({ user: `u${n % 7}` }));
  for (let at = 0; at < charges.length; at += 100) await insert(database, charges.slice(at, at + 100));
  await Promise.all(Array.from({ length: 4 }, () => addUpCharges(database, TODAY)));
  const part = await sums(database);
  assert.equal(part[0]?.requests, charges.length);
  await addUp(database);
  const [whole] = await sums(database);
  assert.deepEqual([whole?.requests, whole?.costs.llm_cost], [charges.length, charges.length * 7]);
});

test('a charge that was added up stays for an hour, so that it is not charged again, and is then removed', async (t) => {
  const database = await open(t);
  const twice = charge();
  await insert(database, [twice, charge()]);
  await addUp(database);
  await insert(database, [twice]);
  await addUp(database);
  assert.equal((await sums(database))[0]?.requests, 2);
  await removeCharges(database, TODAY + fixedLimits.chargesKept);
  assert.equal(await count(database, 'charges'), 2);
  await removeCharges(database, TODAY + fixedLimits.chargesKept + 1);
  assert.equal(await count(database, 'charges'), 0);
  assert.equal((await sums(database))[0]?.requests, 2);
});

test('the largest costs are added up to what a number can be', async (t) => {
  const database = await open(t);
  const most = Number.MAX_SAFE_INTEGER;
  const tokens = { input: most, cached: most, cacheWrite: most, output: most, reasoning: most, total: most };
  for (let n = 0; n < 3; n++) {
    await insert(database, [charge({ tokens, costs: { quota: most } }), charge({ tokens, costs: { quota: most } })]);
    const [before] = await sums(database);
    assert.ok(Number(before?.costs.quota) >= most);
    await addUp(database);
    const [after] = await sums(database);
    assert.deepEqual([after?.counts.total, after?.costs.quota], [most, most]);
  }
});

test('a query over more charges than it may read adds them up first', async (t) => {
  const database = await open(t);
  const charges = Array.from({ length: fixedLimits.chargesRead + 1 }, (_, n) => charge({ costs: { llm_cost: n } }));
  for (let at = 0; at < charges.length; at += 1_000) await insert(database, charges.slice(at, at + 1_000));
  const [whole] = await sums(database);
  assert.equal(whole?.costs.llm_cost, (fixedLimits.chargesRead * (fixedLimits.chargesRead + 1)) / 2);
  assert.ok((await count(database, 'usage')) > 0);
});

test('a caller sees what it has used, an administrator all of its tenant, and nobody another tenant', async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const config = parseConfig({ ...testConfigFile(model), costs: [{ match: '*', cel: 'total_tokens' }] });
  const callers: Record<string, Caller> = {
    alice: { id: 'alice', tenant: 'acme', user: 'alice', project: 'p', key: 'k1' },
    bob: { id: 'bob', tenant: 'acme', user: 'bob', scopes: ['read', 'write'] },
    key: { id: 'key', tenant: 'acme', key: 'k2' },
    admin: { id: 'admin', tenant: 'acme', user: 'root', scopes: ['read', 'write', 'admin'] },
    other: { id: 'other', tenant: 'other', user: 'alice', scopes: ['read', 'write', 'admin'] },
    writer: { id: 'writer', tenant: 'acme', user: 'bob', scopes: ['write'] },
  };
  let caller = '';
  for (const isolation of ['tenant', 'user'] as const) {
    const identify = () => callers[caller] ?? assert.fail();
    const door = await openInProcess({ config: { ...config, isolation }, compileCel, identify });
    t.after(() => door.close());
    const users = isolation === 'user' ? ['alice', 'bob', 'admin', 'other'] : ['alice', 'bob', 'key', 'admin', 'other'];
    for (const name of users) {
      caller = name;
      await create(door, { model: model.script(says('Hello')), store: false });
    }
    const seen = async (name: string) => {
      caller = name;
      const page = await have<UsagePage>(door, 'GET', '/v1/usage?group_by=user,key,project');
      return page.data.flatMap(({ results }) =>
        results.map(({ user, key, project }) => [user, key, project].join(' ')),
      );
    };
    assert.deepEqual(await seen('alice'), ['alice k1 p']);
    assert.deepEqual(await seen('bob'), ['bob  ']);
    if (isolation === 'tenant') assert.deepEqual(await seen('key'), [' k2 ']);
    const everybody = ['alice k1 p', 'bob  ', 'root  '];
    assert.deepEqual(await seen('admin'), isolation === 'user' ? everybody : [' k2 ', ...everybody]);
    assert.deepEqual(await seen('other'), ['alice  ']);
    caller = 'writer';
    await refuses(await door.fetch('/v1/usage'), { status: 403, code: 'insufficient_permissions' });
  }
});

test('without `usage` the question is refused, and says what to do', async (t) => {
  const model = await startScriptedModel();
  const config = parseConfig({ ...testConfigFile(model), usage: false });
  const door = await openInProcess({ config });
  t.after(async () => {
    await door.close();
    await model.close();
  });
  await refuses(await door.fetch('/v1/usage'), {
    status: 400,
    code: null,
    message: /`usage: true` in the configuration/,
  });
});
