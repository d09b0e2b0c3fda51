import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { startWorker } from '../support/doors/workerd.ts';
import { startServer } from '../support/egress-server.ts';
import { newFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Fetches what it is told to, each as often as that says, and reads none before it has all. */
const worker = `
import { fetchConnect } from '${ROOT}handler/egress/fetch-connect.ts';
import { openEgress } from '${ROOT}handler/egress/open.ts';
import { invocationPlaces, withPlaces } from '${ROOT}handler/worker/invocation-places.ts';

const connect = fetchConnect(fetch, invocationPlaces);

export default {
  fetch: (request) => withPlaces(async () => {
    const { url, times = 1, allow, rules } = await request.json();
    const guarded = openEgress(connect, allow).open({ maxBytes: 100_000, ...rules });
    const replies = await Promise.allSettled(Array.from({ length: times }, () => guarded(url)));
    const texts = replies.map(async ({ value, reason }) => {
      try {
        if (!value) throw reason;
        return { status: value.status, url: value.url, length: (await value.text()).length };
      } catch (error) {
        return { reason: error.reason ?? String(error) };
      }
    });
    return Response.json(await Promise.all(texts));
  }),
};`;

test('on workerd what needs no resolver is checked, bodies end at their bounds, and a request has six connections at a time', async (t) => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // wrangler would look up a sample request's details
  process.env.WRANGLER_SEND_METRICS = 'false';
  const folder = newFolder();
  const main = join(folder, 'worker.mjs');
  await writeFile(main, worker);
  const config = join(folder, 'wrangler.json');
  await writeFile(config, JSON.stringify({ name: 'egress', main, compatibility_date: '2026-10-01' }));
  const started = await startWorker({ config });
  t.after(() => started.dispose());
  const { origin } = await started.url;
  const ask = async (told: object) =>
    (await (await fetch(origin, { method: 'POST', body: JSON.stringify(told) })).json()) as object[];

  let [open, most] = [0, 0];
  const server = await startServer(t, async ({ line }, reply) => {
    const [, path = ''] = line.split('/');
    if (path === 'slow') {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 20));
      open--;
    }
    if (path === 'private') reply.writeHead(302, { location: 'http://169.254.169.254/' });
    if (path === 'bomb' || path === 'packed') reply.writeHead(200, { 'content-encoding': 'gzip' });
    if (path === 'silent') return reply.write('a');
    reply.end(
      path === 'bomb' ? gzipSync(Buffer.alloc(20_000_000)) : path === 'packed' ? gzipSync('abc') : 'a'.repeat(50_000),
    );
  });
  const allow = ['127.0.0.1'];
  const slow = { status: 200, url: `${server.origin}/slow`, length: 50_000 };
  assert.deepEqual(
    await Promise.all(Array.from({ length: 2 }, () => ask({ url: slow.url, times: 20, allow }))),
    [1, 2].map(() => Array.from({ length: 20 }, () => slow)),
  );
  assert.ok(most > 6 && most <= 12, `two requests had ${most} connections`);
  most = 0;
  await ask({ url: slow.url, times: 20, allow });
  assert.equal(most, 6);

  const refused = async (url: string, rules = {}) => (await ask({ url, allow, rules }))[0];
  assert.deepEqual(await refused(`${server.origin}/packed`), {
    status: 200,
    url: `${server.origin}/packed`,
    length: 3,
  });
  assert.deepEqual(await refused(`${server.origin}/bomb`), { reason: 'too_large' });
  assert.deepEqual(await refused(`${server.origin}/private`), { reason: 'private' });
  assert.deepEqual(await refused(`${server.origin}/silent`, { timeout: 100 }), { reason: 'timeout' });
  const urls = [
    'http://127.1/',
    'http://0x7f.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://１２７.0.0.1:1/',
    'http://localhost/',
    'http://a/',
  ];
  for (const url of urls) assert.deepEqual(await ask({ url }), [{ reason: 'private' }], url);
  for (const url of ['ftp://example.com/', 'http://a:b@example.com/', 'http://example.com:25/', 'file:///etc/passwd'])
    assert.deepEqual(await ask({ url }), [{ reason: 'url' }], url);
});
