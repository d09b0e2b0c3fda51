import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { startEnvoy } from '../../envoy/run.ts';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';

const limits = { body: 1024, reply: 1024, time: 10_000 };

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`${mode}: the address of the client is the one that Envoy knows, whatever headers claim`, async (t) => {
    const peers: (string | undefined)[] = [];
    const fetch = (_: Request, { peer }: { readonly peer?: string | undefined }) => {
      peers.push(peer);
      return Response.json({});
    };
    const shim = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
    const envoyPort = await freePort();
    const envoy = await startEnvoy({ mode, grpcPort: shim.port, envoyPort });
    t.after(async () => {
      await envoy.stop();
      await shim.close();
    });
    const headers = {
      'content-type': 'application/json',
      'x-forwarded-for': '192.0.2.1',
      'source.address': '192.0.2.1:1',
    };
    const reply = await globalThis.fetch(`${envoy.origin}/v1/responses`, { method: 'POST', headers, body: '{}' });
    assert.equal(reply.status, 200);
    assert.match(String(peers[0]), /^127\.0\.0\.1:\d+$/);
  });
}

test('on plain HTTP it is the connection’s, or behind our own Envoy what that has added last', async (t) => {
  for (const [forwarded, expected] of [
    [false, '127.0.0.1'],
    [true, '198.51.100.2'],
  ] as const) {
    const peers: (string | undefined)[] = [];
    const server = await serveHttp({
      host: '127.0.0.1',
      port: await freePort(),
      forwarded,
      fetch: (_, { peer }) => {
        peers.push(peer);
        return Response.json({});
      },
      log: () => {},
    });
    t.after(server.close);
    const headers = { 'x-forwarded-for': '192.0.2.1, 198.51.100.2' };
    await (await fetch(`http://127.0.0.1:${server.port}/`, { headers })).text();
    assert.deepEqual(peers, [expected]);
  }
});

test('on a unix socket it is what an Envoy has added last, since the connection has no address', async (t) => {
  const dir = newFolder();
  const path = join(dir, 'http.sock');
  const server = await serveHttp({
    path,
    fetch: (_, { peer }) => Response.json({ peer }),
    log: () => {},
  });
  t.after(server.close);
  const headers = { 'x-forwarded-for': '192.0.2.1, 198.51.100.2' };
  const [incoming] = (await once(get({ socketPath: path, headers }), 'response')) as [IncomingMessage];
  assert.deepEqual(await json(incoming), { peer: '198.51.100.2' });
});
