import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { routes } from '../../handler/http/routes.ts';
import { findDocsScript } from '../../shim/docs-script.ts';
import { findChromium, openBrowser } from '../support/chromium.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { startCommand } from '../support/product.ts';

const BROWSER = findChromium();
const SKIP_BROWSER = BROWSER === undefined && 'there is no Chromium here: apt-get install chromium';
const SKIP_SCRIPT = (await findDocsScript()) === undefined && '@scalar/api-reference is not installed: npm ci';

test('the page shows every operation in a browser, and asks nobody but its own server', {
  skip: SKIP_BROWSER || SKIP_SCRIPT,
  timeout: 120_000,
}, async (t) => {
  const product = await startCommand(['-no-envoy']);
  const page = await openBrowser(BROWSER ?? assert.fail());
  t.after(async () => {
    await page.close(); // first, since the product waits for its connections
    product.kill('SIGTERM');
    await product.exited;
  });
  await page.open(`${product.http}/`);
  for (const { operationId, path, method } of routes) {
    const id = JSON.stringify(`/${method}${path}`);
    await page.until(`[...document.querySelectorAll('[id]')].some(({ id }) => id.endsWith(${id}))`).catch((error) => {
      throw new Error(`${operationId}: ${error}`);
    });
  }
  assert.equal(await page.evaluate('location.pathname'), '/docs');
  const elsewhere = page.requests.filter((url) => new URL(url).origin !== product.http);
  assert.deepEqual(elsewhere, []);
  const asked = page.requests.map((url) => new URL(url).pathname);
  for (const path of ['/docs', '/docs/reference.js', '/openapi.json']) assert.ok(asked.includes(path), path);
  assert.deepEqual(page.faults, [], 'the policy of the page refuses nothing that it needs');
});

/** A script in two encodings, told apart by what they hold. */
const script = {
  digest: 'abc',
  gzip: new Uint8Array(gzipSync('/* gzip */')),
  br: new Uint8Array(brotliCompressSync('/* br */')),
};

test('the script comes as the client takes it, with an etag, and for good by the address that the page has', async (t) => {
  const door = await openInProcess({ docsScript: async () => script });
  t.after(() => door.close());
  const ask = (encoding: string, headers = {}, path = '/docs/reference.js?abc') =>
    door.fetch(path, { headers: { 'accept-encoding': encoding, ...headers } });
  for (const [accepted, encoding, length] of [
    ['gzip, br', 'br', script.br.length],
    ['br;q=0, gzip', 'gzip', script.gzip.length],
    ['gzip;q=0.5', 'gzip', script.gzip.length],
    ['gzip;q=0', null, 10],
    ['brotli', null, 10],
  ] as const) {
    const reply = await ask(accepted);
    assert.equal(reply.headers.get('content-encoding'), encoding, accepted);
    assert.equal((await reply.bytes()).length, length, accepted);
    assert.equal(reply.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    const etag = reply.headers.get('etag') ?? assert.fail();
    const again = await ask(accepted, { 'if-none-match': etag });
    assert.deepEqual([again.status, (await again.bytes()).length], [304, 0]);
  }
  assert.equal((await ask('br', {}, '/docs/reference.js?old')).headers.get('cache-control'), 'no-cache');
  const page = await (await door.fetch('/docs')).text();
  assert.match(page, /<script src="docs\/reference\.js\?abc">/);
});

test('a script that the platform serves has no digest in its address', async (t) => {
  const door = await openInProcess({ docsScript: async () => 'asset' });
  t.after(() => door.close());
  assert.match(await (await door.fetch('/docs')).text(), /<script src="docs\/reference\.js">/);
});

test('with docs: false there is neither page nor document, and the answer names the key', async (t) => {
  const door = await openInProcess({ docs: false, docsScript: async () => script });
  t.after(() => door.close());
  for (const path of ['/docs', '/docs/reference.js', '/openapi.json']) {
    const reply = await door.fetch(path);
    assert.equal(reply.status, 404);
    assert.match(await reply.text(), /`docs` in the configuration/);
  }
  const root = await door.fetch('/', { headers: { accept: 'text/html' } });
  assert.equal(root.status, 404);
});
