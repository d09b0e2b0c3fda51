import assert from 'node:assert/strict';
import { askAs } from '../support/ask-as.ts';
import { testHost, testOrigin } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, openSocket } from '../support/socket.ts';
import { refuses } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_LOOPBACK, promise } from './promise.ts';
import { HANDSHAKE, wish } from './websocket.ts';

/** Names that a stranger's DNS can give the address of the loopback, some of which look like one that it cannot. */
const STRANGE = [
  ...['evil.example', 'evil.example:10000', 'localhost.evil.example', 'notlocalhost', '127.0.0.1.evil.example'],
  ...[`evil.${testHost}`, `${testHost}.evil`, '1.2.3', 'evil.local', 'localhost..'],
];

const OWN = [
  ...['127.0.0.1', '127.0.0.1:8080', '10.1.2.3', '[::1]', '[::1]:8080', '[fe80::1]', 'localhost', 'LOCALHOST:8080'],
  ...['localhost.', 'app.localhost', 'a.b-c.localhost:8080', testHost, `${testHost}:443`, testHost.toUpperCase()],
];

const SKIPS = { ...NEEDS_LOOPBACK, ...NEEDS_HEADERS };
const HOST = { status: 403, code: 'host_not_allowed', message: /`hosts`/ };
const ORIGIN = { status: 403, code: 'origin_not_allowed', message: /`cors\.origins`/ };

promise(
  'rebinding.host',
  {
    says: 'on the loopback a Host that is no address, localhost or one of `hosts` is 403, whatever is asked but the probes',
    source: 'SECURITY.md',
  },
  async (door) => {
    const model = door.model.script(says('Hello'));
    for (const host of STRANGE) {
      const reply = await askAs(door.client.baseURL, { host });
      assert.ok(reply.headers.get('x-request-id'), host);
      assert.equal(reply.headers.get('x-should-retry'), 'false', host);
      await refuses(reply, HOST);
    }
    // Of a page that DNS rebinding has made one of our own: its Origin is that of its Host.
    const [host, origin] = ['evil.example:10000', 'http://evil.example:10000'];
    for (const path of ['/v1/responses', '/v1/conversations', '/v1/nothing', '/docs']) {
      await refuses(await askAs(door.client.baseURL, { host, origin }, path), HOST);
      await refuses(await askAs(door.client.baseURL, { host, origin }, path, { model, input: 'Hi' }), HOST);
    }
    assert.equal(door.model.calls(model).length, 0);
    for (const path of ['/livez', '/readyz']) {
      assert.equal((await askAs(door.client.baseURL, { host, origin }, path)).status, 200, path);
    }
  },
  SKIPS,
);

promise(
  'rebinding.own-host',
  {
    says: 'on the loopback addresses, localhost and `hosts` are served, and so are pages of these hosts',
    source: 'SECURITY.md',
  },
  async (door) => {
    for (const host of OWN) assert.equal((await askAs(door.client.baseURL, { host })).status, 200, host);
    for (const host of ['localhost:8080', testHost]) {
      for (const origin of [`http://${host}`, `https://${host}`]) {
        const model = door.model.script(says('Hello'));
        const reply = await askAs(door.client.baseURL, { host, origin }, '/v1/responses', { model, input: 'Hi' });
        assert.equal(reply.status, 200, `a page of ours, ${origin}`);
      }
    }
  },
  SKIPS,
);

promise(
  'rebinding.origin',
  {
    says: 'on the loopback a page of another origin that cors.origins does not name is 403, whatever it asks',
    source: 'SECURITY.md',
  },
  async (door) => {
    const strange = [
      'https://evil.example',
      `${testOrigin}.evil`,
      'http://127.0.0.1:1',
      'http://localhost',
      'null',
      '',
    ];
    const model = door.model.script(says('Hello'));
    for (const origin of strange) {
      await refuses(await askAs(door.client.baseURL, { origin }), ORIGIN);
      await refuses(await askAs(door.client.baseURL, { origin }, '/v1/responses', { model, input: 'Hi' }), ORIGIN);
    }
    assert.equal(door.model.calls(model).length, 0);
    const allowed = await askAs(door.client.baseURL, { origin: testOrigin }, '/v1/responses', { model, input: 'Hi' });
    assert.equal(allowed.status, 200);
    const strangeHost = await askAs(door.client.baseURL, { origin: testOrigin, host: 'evil.example' });
    assert.equal(strangeHost.headers.get('access-control-allow-origin'), testOrigin, 'it may read why');
    await refuses(strangeHost, HOST);
  },
  SKIPS,
);

promise(
  'rebinding.websocket',
  { says: 'a WebSocket under a strange Host is 403', source: 'SECURITY.md' },
  async (door) => {
    const origin = 'http://evil.example:10000';
    for (const headers of [{ host: 'evil.example' }, { host: 'evil.example:10000', origin }]) {
      await refuses(await wish(door, '/v1/responses', { ...HANDSHAKE, ...headers }), HOST);
    }
    for (const host of ['localhost:8080', testHost]) (await openSocket(door, { host })).raw.terminate();
  },
  { ...NEEDS_LOOPBACK, ...NEEDS_SOCKET },
);
