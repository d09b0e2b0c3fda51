import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Door } from '../doors/door.ts';
import { says } from '../model/scripted.ts';
import { create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const handshake = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };

/** Asks for a WebSocket as clients do, with headers that no `fetch` sends; in process there is only `fetch`. */
function wish(door: Door, path: string, upgrade = 'websocket'): Promise<Response> {
  if (door.name === 'in-process') return door.fetch(path, { headers: { upgrade, ...handshake } });
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade, ...handshake };
    const client = request(new URL(path, door.client.baseURL), { agent: false, headers });
    client.once('error', reject).once('upgrade', () => reject(new Error('it was upgraded')));
    client.once('response', (reply) => {
      const told = Object.entries(reply.headers).map(([name, value]): [string, string] => [name, String(value)]);
      text(reply).then((body) => resolve(new Response(body, { status: reply.statusCode ?? 0, headers: told })), reject);
    });
    client.end();
  });
}

promise(
  'websocket.not-yet',
  async (door) => {
    for (const upgrade of ['websocket', 'WebSocket']) {
      const reply = await wish(door, '/v1/responses', upgrade);
      assert.equal(reply.headers.get('x-should-retry'), 'false');
      assert.equal(reply.headers.get('upgrade'), null);
      assert.ok(reply.headers.get('x-request-id'));
      await refuses(reply, { status: 426, code: 'websocket_not_supported', message: /HTTP/ });
    }
    await create(door, { model: door.model.script(says('over HTTP')) });
  },
  NEEDS_HEADERS,
);

promise(
  'websocket.elsewhere',
  async (door) => {
    await refuses(await wish(door, '/v1/realtime'), { status: 404, code: null });
    const reply = await door.fetch('/v1/responses');
    await refuses(reply, { status: 405, code: 'method_not_allowed' });
  },
  NEEDS_HEADERS,
);
