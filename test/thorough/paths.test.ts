import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readAttributes, readHeaders } from '../../shim/codec.ts';
import { serveHttp } from '../../shim/http.ts';
import { Refusal } from '../../shim/refusal.ts';
import { refuseTarget } from '../../shim/target.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { freePort } from '../support/ports.ts';

/** Targets that a handler would see as others, once they are parsed as a URL. */
const changed = [
  ...[
    '/v1/x/../conversations',
    '/v1/x/..',
    '/v1/./x',
    '/..',
    '/v1/x/%2e%2e/conversations',
    '/v1/x/.%2E/y',
    '/v1/%2e/x',
  ],
  ...['/v1\\conversations', '/v1/x\\..\\y', '/v1/x#y', '/v1/x?y#z', '/v1/"x"', '/v1/{id}', '/v1/<x>', '/v1/caf\xe9'],
];
/** Those that no HTTP/1 server lets through. */
const controls = ['/v1/con\tversations', '/v1/x\n', '/v1/x\r', '/v1/x?a=\tb', '/v1/x y', '/v1/x\0'];
const normal = [
  ...[
    '/',
    '/v1/responses',
    '/v1/responses/resp_1-2:x',
    '/v1//conversations',
    '//host/v1',
    '/v1/...',
    '/v1/.x',
    '/v1/x..',
  ],
  ...[
    "/v1/~x!$&'()*+,;=:@",
    '/v1/%7Bid%7D',
    '/v1/caf%C3%A9',
    '/v1/%zz',
    '/v1/%',
    '/v1/x?',
    '/v1/x?a=/../b&c=\\&d=%2e#'.slice(0, -1),
  ],
];

const headers = (path: string) => readHeaders({ headers: [{ key: ':path', value: path }] });
const attributes = (path: string) =>
  readAttributes({ 'envoy.filters.http.ext_proc': { fields: { 'request.path': { stringValue: path } } } });

test('ext_proc: a path that parsing would change is 400, and any other reaches the handler as it is', () => {
  for (const read of [headers, attributes]) {
    for (const path of [...changed, ...controls]) {
      assert.throws(
        () => read(path),
        (error) => error instanceof Refusal && error.status === 400,
        path,
      );
    }
    for (const path of normal) {
      const { url } = read(path);
      assert.equal(url, `http://localhost${path}`);
      assert.equal(new URL(url).pathname, path.replace(/\?.*/, ''));
    }
  }
});

async function serve(t: TestContext) {
  const seen: string[] = [];
  const server = await serveHttp({
    ...{ host: '127.0.0.1', port: await freePort() },
    fetch: (request) => {
      seen.push(request.url);
      return new Response('seen');
    },
    log: () => {},
  });
  t.after(server.close);
  const asks = async (path: string, more: string) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.end(Buffer.from(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`, 'latin1'));
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    await once(socket, 'close');
    return text;
  };
  return { asks, seen };
}

const socket =
  'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
const close = 'connection: close\r\n';

test('plain HTTP: a path that parsing would change is 400, and any other reaches the handler as it is', async (t) => {
  const { asks, seen } = await serve(t);
  for (const more of [close, socket]) {
    for (const path of [...changed, ...changed.map((path) => `http://localhost${path}`)]) {
      const text = await asks(path, more);
      assert.match(text, /^HTTP\/1\.1 400 /, path);
      // Node itself refuses some characters beyond ASCII.
      if (!path.includes('\xe9')) assert.match(text, /"message":"The path is not in its normal form/, path);
    }
    for (const path of controls) assert.match(await asks(path, more), /^HTTP\/1\.1 400 /, JSON.stringify(path));
    assert.deepEqual(seen.splice(0), []);
    for (const path of normal) assert.match(await asks(path, more), /^HTTP\/1\.1 200 /, path);
    assert.deepEqual(
      seen.splice(0),
      normal.map((path) => `http://localhost${path}`),
    );
  }
});

test('an encoded letter, digit or mark that needs no encoding is 400, and any other is not', async (t) => {
  const door = await openInProcess();
  t.after(door.close);
  for (let code = 0; code < 256; code++) {
    for (const hex of new Set([code.toString(16), code.toString(16).toUpperCase()])) {
      const encoded = `%${hex.padStart(2, '0')}`;
      const refused = code === 0 || /[\w.~/\\-]/.test(String.fromCharCode(code));
      // A dot by itself is a segment that every URL's parser takes out.
      const path = `/v1/responses/x${encoded}`;
      const { status } = await door.fetch(path);
      assert.equal(status, refused ? 400 : 404, encoded);
      assert.equal(refuseTarget(path)?.status, refused ? 400 : undefined, encoded);
    }
  }
  for (const path of ['/v1/%63onversations', '/%76%31/models']) assert.equal((await door.fetch(path)).status, 400);
});
