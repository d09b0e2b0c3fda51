import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rewrapTenantKeys, rotateTenantKey } from '../../handler/encryption/index.ts';
import type { Runner } from '../../handler/index.ts';
import { raw, read, sql, write } from '../../handler/state/database/sql.ts';
import { dropTenantKeys, findTenantKeys } from '../../handler/state/tenant-keys.ts';
import { type Asking, bodies, K1, K2, logged, subject, toldLast, turn } from '../support/encrypted.ts';
import { says } from '../support/model/scripted.ts';

/** Asks until the answer has this status. */
async function until({ ask }: Asking, status: number, path: string): Promise<void> {
  for (;;) {
    const { status: got, json } = await ask('GET', path);
    if (got === status) return;
    assert.equal(got, 200, JSON.stringify(json));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A Runner that runs nothing, as that of a process that dies at once. */
const idle: Runner = { async start() {}, async stop() {}, async close() {} };

describe('a tenant whose key is dropped', () => {
  test('has nothing that can be read, in a process that runs as well, and all else goes on', async (t) => {
    const all = await subject(t);
    const lines = logged(t);
    const name = all.model.script(says('Yes.'));
    const asking = await all.open();
    const first = await turn(asking, name, 'first');
    const second = await turn(asking, name, 'second', first);
    const { id: conversation } = (
      await asking.ask('POST', '/conversations', { items: [{ role: 'user', content: 'x' }], metadata: { a: 'b' } })
    ).json;
    const ofB = await turn(asking, name, 'of b', undefined, 'b');
    assert.equal((await dropTenantKeys(all.database, 'a', Date.now())).length, 1);
    await until(asking, 410, `/responses/${second}`);
    const gone = async (method: string, path: string, body?: object) => {
      const { status, json } = await asking.ask(method, path, body);
      assert.deepEqual([status, json.error?.code], [410, 'tenant_key_dropped'], `${method} ${path}`);
    };
    const calls = all.model.calls(name).length;
    // Its history was remembered.
    await gone('POST', '/responses', { model: name, input: 'third', previous_response_id: second });
    await gone('POST', '/responses', { model: name, input: 'third', conversation });
    await gone('POST', '/responses/input_tokens', { model: name, input: 'third', previous_response_id: second });
    await gone('POST', '/responses/compact', { model: name, previous_response_id: second });
    await gone('GET', `/responses/${first}/input_items`);
    await gone('GET', `/conversations/${conversation}`);
    await gone('GET', `/conversations/${conversation}/items`);
    assert.equal(all.model.calls(name).length, calls, 'no model was asked');
    for (const list of ['/responses', '/conversations']) {
      const { status, json } = await asking.ask('GET', list);
      assert.deepEqual([status, json.data], [200, []]);
    }
    // It may begin anew.
    const anew = await turn(asking, name, 'anew');
    const { json } = await asking.ask('GET', '/responses');
    assert.deepEqual(
      json.data.map(({ id }: { id: string }) => id),
      [anew],
    );
    // Others, deleting and sweeping know nothing of it.
    await turn(asking, name, 'more of b', ofB, 'b');
    assert.match(toldLast(all, name), /of b.*more of b/);
    assert.equal((await asking.ask('DELETE', `/responses/${first}`)).status, 200);
    assert.equal((await asking.ask('DELETE', `/conversations/${conversation}`)).status, 200);
    const past = Date.now() - 3_600_000;
    await all.database.batch({
      responses: write(sql`UPDATE responses SET expires_at = ${past} WHERE tenant = 'a' AND id <> ${anew}`),
      conversations: write(sql`UPDATE conversations SET deleted_at = ${past} WHERE tenant = 'a'`),
    });
    await asking.handler.sweep();
    const { rows } = await all.database.batch({ rows: read(sql`SELECT id FROM responses WHERE tenant = 'a'`) });
    assert.equal(rows.map(({ id }) => id).join(), anew);
    assert.deepEqual(lines, []);
  });

  test('is not remembered by a turn that began before and ends after', async (t) => {
    const all = await subject(t);
    const gate = Promise.withResolvers<void>();
    const name = all.model.script(says('Yes.'));
    const slow = all.model.script(async (turn) => {
      await turn.text('At last.');
      await gate.promise;
      await turn.finish();
    });
    const asking = await all.open();
    const first = await turn(asking, name, 'first');
    const second = await turn(asking, name, 'second', first);
    const held = turn(asking, slow, 'third', second);
    while (all.model.calls(slow).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await dropTenantKeys(all.database, 'a', Date.now());
    await until(asking, 410, `/responses/${second}`);
    gate.resolve();
    const third = await held;
    assert.equal((await asking.ask('GET', `/responses/${third}`)).status, 200, 'its end is under another key');
    const { status } = await asking.ask('POST', '/responses', { model: name, input: 'x', previous_response_id: third });
    assert.equal(status, 410);
    assert.doesNotMatch(toldLast(all, name), /third/);
  });

  test('has no background turn that waits for ever, and its webhooks are sent', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const webhooks = [{ url: `${all.model.hooksUrl}/w`, secret: 'a secret of 16 bytes', tenant: 'a' }];
    const asking = await all.open({ webhooks }, { runner: () => idle });
    const { json } = await asking.ask('POST', '/responses', { model: name, input: 'later', background: true });
    assert.equal(json.status, 'queued');
    await dropTenantKeys(all.database, 'a', Date.now());
    const lines = logged(t);
    const other = await all.open({ webhooks });
    await other.handler.resume();
    const status = async () => {
      const { rows } = await all.database.batch({ rows: read(sql`SELECT status, owner FROM responses`) });
      return rows[0];
    };
    while ((await status())?.status === 'queued' || (await status())?.status === 'in_progress')
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual({ ...(await status()) }, { status: 'failed', owner: '' });
    while (all.model.hooks.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(JSON.parse(all.model.hooks[0]?.body ?? '').type, 'response.failed');
    assert.equal(all.model.calls(name).length, 0);
    assert.match(lines.join(), /a background turn has failed, since what is stored of it cannot be read/);
    const { jobs } = await all.database.batch({ jobs: read(sql`SELECT response FROM jobs`) });
    assert.deepEqual(jobs, []);
    assert.equal((await other.ask('GET', `/responses/${json.id}`)).status, 410);
    await other.handler.sweep();
  });

  test('keeps the webhooks of nobody else back', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const url = `${all.model.hooksUrl}/w`;
    const webhooks = [{ url, secret: 'a secret of 16 bytes', tenant: 'a' }];
    const asking = await all.open();
    await turn(asking, name, 'first');
    const [item = ''] = await bodies(all.database, 'items');
    await dropTenantKeys(all.database, 'a', Date.now());
    const now = Date.now();
    for (const [id, asked] of [
      ['evt_1', item],
      ['evt_2', ''],
    ]) {
      const body = JSON.stringify({ id });
      await all.database.batch({
        delivery: write(sql`INSERT INTO deliveries (tenant, id, url, body, tries, created, next_at, asked)
          VALUES ('a', ${id ?? ''}, ${url}, ${body}, 0, ${now}, ${now}, ${asked ?? ''})`),
      });
    }
    const other = await all.open({ webhooks });
    await other.handler.deliver();
    assert.deepEqual(all.model.hooks.map(({ body }) => JSON.parse(body).id).sort(), ['evt_1', 'evt_2']);
  });
});

describe('another key', () => {
  test('of a tenant encrypts what comes, and what was before is read under the one before', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const first = await turn(await all.open(), name, 'first');
    assert.equal(await rotateTenantKey(all.database, [K1], 'b'), false, 'a tenant that has none');
    assert.equal(await rotateTenantKey(all.database, [K1], 'a'), true);
    const asking = await all.open();
    const second = await turn(asking, name, 'second', first);
    assert.match(toldLast(all, name), /first.*second/);
    const [old, next] = (await findTenantKeys(all.database, 'a')).map(({ id }) => id);
    const holders = async (id = '') => {
      const { rows } = await all.database.batch({ rows: read(sql`SELECT holder, body FROM items ORDER BY holder`) });
      return new Set(rows.filter(({ body }) => String(body).includes(`.${id}.`)).map(({ holder }) => holder));
    };
    assert.deepEqual(await holders(old), new Set([first]));
    assert.deepEqual(await holders(next), new Set([second]));
    assert.equal((await dropTenantKeys(all.database, 'a', Date.now())).length, 2, 'both go at once');
  });

  test('of the deployment wraps all anew, and the one before may go', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const before = await all.open();
    const ids = new Map<string, string>();
    for (let n = 0; n < 5; n++) ids.set(`t${n}`, await turn(before, name, `of t${n}`, undefined, `t${n}`));
    const both = await all.open({ secrets: [K2, K1] });
    ids.set('t5', await turn(both, name, 'of t5', undefined, 't5'));
    await dropTenantKeys(all.database, 't4', Date.now());
    assert.deepEqual([...(await rewrapTenantKeys(all.database, [K2, K1]))], [['k1', 4]]);
    assert.deepEqual([...(await rewrapTenantKeys(all.database, [K2, K1]))], []);
    const after = await all.open({ secrets: [K2] });
    await after.handler.check();
    for (const [tenant, id] of ids) {
      const { status } = await after.ask('GET', `/responses/${id}`, undefined, tenant);
      assert.equal(status, tenant === 't4' ? 410 : 200, tenant);
    }
    await assert.rejects((await all.open({ secrets: [K1] })).handler.check(), /lacks k2/);
    // A process that had the keys reads on, and one that takes the new configuration does.
    assert.equal((await both.ask('GET', `/responses/${ids.get('t0')}`, undefined, 't0')).status, 200);
    await assert.rejects(rewrapTenantKeys(all.database, [K1]), /does not have/);
  });

  test('is made by one of two processes that begin at once, and each reads what the other wrote', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const [one, two] = [await all.open(), await all.open()];
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) => turn(n % 2 ? one : two, name, `turn ${n}`, undefined, 'new')),
    );
    for (const [n, id] of made.entries()) {
      const { status } = await (n % 2 ? two : one).ask('GET', `/responses/${id}/input_items`, undefined, 'new');
      assert.equal(status, 200);
    }
    if (!process.env.TEST_DATABASE?.startsWith('postgres'))
      assert.equal((await findTenantKeys(all.database, 'new')).length, 1);
  });
});

test('nothing of a wrapped key is left where it was dropped', async (t) => {
  const all = await subject(t);
  await turn(await all.open(), all.model.script(says('Yes.')), 'first');
  const [{ wrapped = '' } = {}] = await findTenantKeys(all.database, 'a');
  assert.equal(wrapped.length, 80);
  await dropTenantKeys(all.database, 'a', Date.now());
  const { rows } = await all.database.batch({ rows: read(sql`SELECT ${raw('wrapped')} FROM tenant_keys`) });
  assert.equal(rows[0]?.wrapped, '-'.repeat(80));
});
