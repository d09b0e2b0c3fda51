import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { fits } from '../support/json-schema.ts';
import { says } from '../support/model/scripted.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

async function documentOf(door: Door) {
  const reply = await door.fetch('/openapi.json');
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
  return JSON.parse(await reply.text());
}

promise(
  'openapi.routes',
  { says: 'GET /openapi.json has every path, with the methods that it takes', source: 'docs/api.md' },
  async (door) => {
    const { openapi, paths } = await documentOf(door);
    assert.match(openapi, /^3\.1\./);
    for (const [path, methods] of Object.entries(paths)) {
      if (path === '/docs/reference.js') continue; // on Workers the platform has it, and its own answers
      const reply = await door.fetch(path.replace(/\{\w+\}/g, 'x_1'), { method: 'PATCH' });
      await reply.text();
      assert.equal(reply.status, 405, path);
      const allowed = Object.keys(methods as object).map((method) => method.toUpperCase());
      assert.deepEqual(reply.headers.get('allow')?.split(', ').sort(), allowed.sort(), path);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'openapi.idempotency-key',
  { says: 'the document names the Idempotency-Key', source: 'docs/api.md' },
  async (door) => {
    const { paths } = await documentOf(door);
    const [parameter] = paths['/v1/responses'].post.parameters;
    assert.deepEqual([parameter.name, parameter.in, parameter.required], ['Idempotency-Key', 'header', undefined]);
  },
  NEEDS_HEADERS,
);

const fn = { type: 'function', name: 'f' };

/** Bodies that the product takes, and others that it does not; the document must say the same of them. */
const bodies: object[] = [
  {},
  { input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }], temperature: 2, store: null },
  { tools: [fn], tool_choice: { type: 'function', name: 'f' }, text: { format: { type: 'json_object' } } },
  { metadata: { a: 'b' }, reasoning: { effort: 'low' }, unheard_of: { a: [] } },
  { input: [] },
  { input: [{ role: 'wizard', content: 'Hi' }] },
  { input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: {} }] },
  { temperature: 2.1 },
  { max_output_tokens: 16.5 },
  { tools: [{ ...fn, name: 'a b' }] },
  { tools: [{ type: 'web_search' }] },
  { tool_choice: 'maybe' },
  { text: [] },
  { text: { format: { type: 'json_schema', name: 'x' } } },
  { metadata: { a: 7 } },
  { include: ['everything'] },
];

promise(
  'openapi.schemas',
  {
    says: "the document's request schema takes what the server takes, and refuses what it refuses",
    source: 'docs/api.md',
  },
  async (door) => {
    const document = await documentOf(door);
    const { schema } = document.paths['/v1/responses'].post.requestBody.content['application/json'];
    const model = door.model.script(says('ok'));
    for (const body of bodies) {
      const whole = { model, input: 'Hi', ...body };
      const reply = await post(door, whole);
      await reply.text();
      assert.ok(reply.status === 200 || reply.status === 422, `${reply.status}`);
      assert.equal(fits(document, schema, whole), reply.status === 200, JSON.stringify(body));
    }
  },
  NEEDS_HEADERS,
);

promise(
  'openapi.examples',
  {
    says: 'the examples of the document name a model that is there, and can be sent as they stand',
    source: 'docs/api.md',
  },
  async (door) => {
    const { paths } = await documentOf(door);
    const { examples } = paths['/v1/responses'].post.requestBody.content['application/json'];
    const [first] = Object.values<{ value: { model: string } }>(examples);
    const reply = await post(door, first?.value);
    await reply.text();
    assert.deepEqual([first?.value.model, reply.status], ['demo', 200]);
  },
  NEEDS_HEADERS,
);

promise(
  'openapi.docs',
  { says: 'GET /docs is a page of the document that asks only its own server', source: 'docs/api.md' },
  async (door) => {
    const reply = await door.fetch('/docs');
    const page = await reply.text();
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^text\/html/);
    const policy = reply.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none';/);
    assert.ok(!/https?:|\*|unsafe-eval/.test(policy), policy);
    const [, script] = /<script src="([^"]+)"/.exec(page) ?? [];
    if (script) {
      // The page has its content from the document, by its script; a browser runs it in test/thorough/docs.test.ts.
      const loaded = await door.fetch(`/${script}`, { headers: { 'accept-encoding': 'gzip' } });
      assert.equal(loaded.status, 200);
      assert.match(loaded.headers.get('content-type') ?? '', /^(text|application)\/javascript/);
      assert.ok(loaded.headers.get('etag'));
      assert.match(await loaded.text(), /createApiReference/);
      return;
    }
    assert.ok(
      !/(src|href|action|url)\s*[=(]\s*["']?(?!openapi\.json"|[#/](?!\/)|["'])/i.test(page),
      'nothing is asked of others',
    );
    assert.ok(!/<(script|link|img|iframe|object)\b|@import|\son\w+=/i.test(page), 'nothing runs and nothing is loaded');
    const { paths, components } = await documentOf(door);
    for (const path of Object.keys(paths)) assert.ok(page.includes(`<code>${path}</code>`), path);
    for (const [, name] of page.matchAll(/href="#(\w+)"/g)) assert.ok(name && name in components.schemas, name);
  },
  NEEDS_HEADERS,
);

promise(
  'openapi.root',
  { says: 'a browser that opens / is led to /docs; programs get 404', source: 'docs/api.md' },
  async (door) => {
    const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, redirect: 'manual' } as const;
    const led = await door.fetch('/', browser);
    await led.text();
    assert.deepEqual([led.status, led.headers.get('location')], [302, '/docs']);
    const head = await door.fetch('/', { ...browser, method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('location')], [302, '/docs']);
    const program = await door.fetch('/');
    assert.equal(program.status, 404);
    assert.match(await program.text(), /\/docs/);
  },
  NEEDS_HEADERS,
);
