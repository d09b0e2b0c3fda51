import assert from 'node:assert/strict';
import { type Door, post, testOrigin } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { refuses } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_LOOPBACK, promise } from './promise.ts';

const EXPOSED = ['x-request-id', 'retry-after', 'x-should-retry', 'x-antiphon-dropped-tools'];

/** Sends a preflight, as a browser does before a request that is not simple. */
function preflight(door: Door, path: string, origin: string, headers?: string): Promise<Response> {
  return door.fetch(path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      ...(headers && { 'access-control-request-headers': headers }),
    },
  });
}

/** Holds a reply to be readable for the page's scripts, what SDKs need of its headers included. */
function readable(reply: Response, what: string): void {
  assert.equal(reply.headers.get('access-control-allow-origin'), testOrigin, what);
  assert.match(reply.headers.get('vary') ?? '', /\borigin\b/i, what);
  const exposed = (reply.headers.get('access-control-expose-headers') ?? '').split(/,\s*/);
  for (const name of EXPOSED) assert.ok(exposed.includes(name), `${what}: ${name}`);
}

/** Asserts that a reply has no CORS headers. */
function unreadable(reply: Response, what: string): void {
  const about = [...reply.headers.keys()].filter((name) => name.startsWith('access-control-'));
  assert.deepEqual(about, [], what);
}

promise(
  'cors.preflight',
  { says: 'the preflight of an allowed origin is answered with 204', source: 'docs/api.md' },
  async (door) => {
    const asked = 'authorization,content-type,idempotency-key,x-stainless-lang';
    for (const path of ['/v1/responses', '/v1/responses/resp_1', '/v1/models', '/v1/conversations/conv_1/items']) {
      const reply = await preflight(door, path, testOrigin, asked);
      assert.equal(reply.status, 204, path);
      assert.equal(await reply.text(), '');
      const { headers } = reply;
      assert.equal(headers.get('access-control-allow-origin'), testOrigin);
      assert.match(headers.get('vary') ?? '', /\borigin\b/i);
      assert.deepEqual(headers.get('access-control-allow-headers')?.split(/,\s*/), asked.split(','));
      assert.deepEqual(headers.get('access-control-allow-methods')?.split(/,\s*/), ['GET', 'POST', 'DELETE']);
      assert.match(headers.get('access-control-max-age') ?? '', /^\d+$/);
      assert.ok(headers.get('x-request-id'));
    }
    const plain = await preflight(door, '/v1/responses', testOrigin);
    assert.equal(plain.headers.get('access-control-allow-headers'), null);
  },
  NEEDS_HEADERS,
);

promise(
  'cors.reply',
  { says: 'an allowed origin may read replies and streams, and the headers that SDKs need', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(says('Hello'));
    const headers = { origin: testOrigin };
    for (const stream of [false, true]) {
      const reply = await post(door, { model, input: 'Hi', stream }, { headers });
      assert.equal(reply.status, 200);
      readable(reply, `stream: ${stream}`);
      await reply.text();
    }
    readable(await door.fetch('/v1/models', { headers }), 'a list');
  },
  NEEDS_HEADERS,
);

promise(
  'cors.errors',
  { says: 'an allowed origin may read errors', source: 'docs/api.md' },
  async (door) => {
    const headers = { origin: testOrigin };
    const replies: [status: number, reply: Response][] = [
      [400, await post(door, '{', { headers })],
      [422, await post(door, {}, { headers })],
      [404, await door.fetch('/v1/nothing', { headers })],
      [404, await door.fetch('/v1/responses/resp_none', { headers })],
      [405, await door.fetch('/v1/models', { method: 'POST', headers })],
      [415, await post(door, '{}', { headers: { ...headers, 'content-encoding': 'compress' } })],
      [500, await post(door, { model: 'down', input: 'Hi' }, { headers })],
      [500, await post(door, '{}', { headers: { ...headers, 'x-antiphon-hop': '1' } })],
    ];
    for (const [status, reply] of replies) {
      assert.equal(reply.status, status);
      readable(reply, `${status}`);
      await reply.text();
    }
  },
  NEEDS_HEADERS,
);

promise(
  'cors.stranger',
  {
    says: 'another origin gets no CORS header, nor does a request without one, and vary tells caches so',
    source: 'docs/api.md',
  },
  async (door) => {
    const checked = !(door.name in NEEDS_LOOPBACK);
    const strange = ['https://evil.example', `${testOrigin}.evil.example`, 'http://app.example', 'null'];
    for (const origin of strange) {
      const reply = await door.fetch('/v1/models', { headers: { origin } });
      assert.equal(reply.status, checked ? 403 : 200);
      unreadable(reply, origin);
      assert.match(reply.headers.get('vary') ?? '', /\borigin\b/i, origin);
      const before = await preflight(door, '/v1/responses', origin, 'content-type');
      unreadable(before, origin);
      const refusal = { status: 405, code: 'method_not_allowed' };
      await refuses(before, checked ? { status: 403, code: 'origin_not_allowed' } : refusal);
    }
    const none = await door.fetch('/v1/models');
    unreadable(none, 'no origin');
    assert.match(none.headers.get('vary') ?? '', /\borigin\b/i);
  },
  NEEDS_HEADERS,
);

promise(
  'cors.no-preflight',
  { says: 'OPTIONS that is no preflight is 405', source: 'docs/api.md' },
  async (door) => {
    const reply = await door.fetch('/v1/responses', { method: 'OPTIONS', headers: { origin: testOrigin } });
    assert.equal(reply.headers.get('allow'), 'POST, GET');
    readable(reply, 'OPTIONS');
    await refuses(reply, { status: 405, code: 'method_not_allowed' });
  },
  NEEDS_HEADERS,
);
