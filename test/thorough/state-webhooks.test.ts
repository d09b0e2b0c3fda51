import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { read, sql, write } from '../../handler/state/database/sql.ts';
import { begin, ended } from '../promises/background.ts';
import { until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfig } from '../support/doors/door.ts';
import { openInProcess, testHandler } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { UNREACHABLE } from '../support/ports.ts';

test('what was not taken is tried again, later and later, with the same id, and then no more', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const due = async () => {
    const { found } = await database.batch({ found: read(sql`SELECT tries, next_at FROM deliveries`) });
    const [row] = found;
    return row && { tries: Number(row.tries), next: Number(row.next_at) };
  };
  const retry = async () => {
    await database.batch({ due: write(sql`UPDATE deliveries SET next_at = 0`) });
    return door.deliver();
  };
  door.model.answerHooks(500, 302, 404);
  const { id } = await begin(door, says('ok'));
  await ended(door, id);
  const pauses: number[] = [];
  for (let tries = 1; tries <= 3; tries++) {
    const tried = Date.now();
    const next = tries === 1 ? undefined : await retry();
    await until(async () => ((await due())?.tries ?? 0) === tries && ((await due())?.next ?? 0) < tried + 29_000);
    const row = await due();
    if (next !== undefined) assert.equal(next, row?.next, 'when the next one is due');
    pauses.push((row?.next ?? 0) - tried);
  }
  const [first = 0, second = 0, third = 0] = pauses;
  assert.ok(first < second && second < third, `${pauses}`);
  assert.equal(await retry(), undefined);
  assert.equal(await due(), undefined, 'it was taken');
  const ids = new Set(door.model.hooks.map(({ headers }) => headers['webhook-id']));
  assert.deepEqual([door.model.hooks.length, ids.size], [4, 1]);
});

test('a URL that the configuration has no more is not called', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  door.model.answerHooks(500);
  const { id } = await begin(door, says('ok'));
  await ended(door, id);
  await until(async () => door.model.hooks.length === 1);
  const webhooks = [{ url: `http://127.0.0.1:${UNREACHABLE}/`, secret: 'another secret of tests' }];
  const other = await testHandler(door.model, { database, config: { ...testConfig(door.model), webhooks } });
  t.after(() => other.close());
  await until(async () => {
    await database.batch({ due: write(sql`UPDATE deliveries SET next_at = 0`) });
    return (await other.deliver()) === undefined;
  });
  assert.equal(door.model.hooks.length, 1);
});

test('only the configured events are delivered', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const config = testConfig(door.model);
  const webhooks = config.webhooks.map((webhook) => ({ ...webhook, events: ['response.failed' as const] }));
  const quiet = await testHandler(door.model, { database, config: { ...config, webhooks } });
  t.after(() => quiet.close());
  const body = JSON.stringify({ model: door.model.script(says('ok')), input: 'Hi', background: true });
  const headers = { 'content-type': 'application/json' };
  const reply = await quiet.fetch(new Request('http://x/v1/responses', { method: 'POST', body, headers }));
  await ended(door, ((await reply.json()) as { id: string }).id);
  const { counted } = await database.batch({ counted: read(sql`SELECT count(*) AS n FROM deliveries`) });
  assert.equal(counted[0]?.n, 0);
  assert.equal(door.model.hooks.length, 0);
});

test('a receiver that hangs has eight deliveries at a time, however often they are asked for, and none is left lying', async (t) => {
  let open = 0;
  let maxOpen = 0;
  const hangs: (() => void)[] = [];
  const seen = new Set<unknown>();
  const server = createServer((req, res) => {
    maxOpen = Math.max(maxOpen, ++open);
    seen.add(req.headers['webhook-id']);
    hangs.push(() => {
      open--;
      res.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // of a server on a port
  const url = `http://127.0.0.1:${port}/`;
  const database = await testDatabase();
  const door = await openInProcess();
  const webhooks = [{ url, secret: 'another secret of tests' }];
  const handler = await testHandler(door.model, { database, config: { ...testConfig(door.model), webhooks } });
  t.after(async () => {
    await handler.close();
    await door.close();
    server.close();
  });
  const insert = (id: string) =>
    write(sql`INSERT INTO deliveries (tenant, id, url, body, tries, created, next_at)
      VALUES ('default', ${id}, ${url}, '{}', 0, ${Date.now()}, 0)`);
  await database.batch({ early: [1, 2, 3].map((n) => insert(`early-${n}`)) });
  const asked = [handler.deliver()];
  await until(() => open === 3);
  // There is room beside those that hang.
  await database.batch({ late: Array.from({ length: 30 }, (_, n) => insert(`late-${n}`)) });
  for (let n = 0; n < 10; n++) asked.push(handler.deliver());
  await until(() => open === 8);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(maxOpen, 8);
  const answering = setInterval(() => {
    for (const answer of hangs.splice(0)) answer();
  }, 5);
  await Promise.all(asked);
  clearInterval(answering);
  assert.deepEqual([maxOpen, seen.size], [8, 33]);
  const { counted } = await database.batch({ counted: read(sql`SELECT count(*) AS n FROM deliveries`) });
  assert.equal(counted[0]?.n, 0);
});
