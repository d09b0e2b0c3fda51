import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { WebSocket } from 'ws';
import { parseConfig } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import type { Ingress } from '../../shim/session.ts';
import { readTls } from '../../shim/tls.ts';
import { freePort } from '../support/ports.ts';
import { options } from '../support/shim-fake-exchange.ts';

const folder = new URL('../fixtures/tls/', import.meta.url).pathname;
const pem = (name: string) => readFile(`${folder}${name}`);
const [ca, cert, key] = [await pem('authority.pem'), await pem('server.pem'), await pem('server.key')];
const client = { cert: await pem('client.pem'), key: await pem('client.key') };
const stranger = { cert: await pem('strange-client.pem'), key: await pem('strange-client.key') };
const fetch = (_: Request, ingress: Ingress) => Response.json(ingress);

async function serve(t: TestContext, clientCa?: Buffer) {
  const server = await serveHttp({
    ...{ host: '127.0.0.1', port: await freePort() },
    tls: { cert, key, clientCa },
    fetch,
    log: () => {},
  });
  t.after(server.close);
  const ask = async (certificate: object = {}) => {
    const [reply] = await once(
      get({ host: 'localhost', port: server.port, ca, agent: false, ...certificate }),
      'response',
    );
    return JSON.parse(await text(reply));
  };
  return { server, ask };
}

test('HTTP speaks TLS, WebSockets included, and asks for client certificates only if configured', async (t) => {
  const { server, ask } = await serve(t);
  assert.partialDeepStrictEqual(await ask(), { name: 'http', rebindable: true });
  const socket = new WebSocket(`wss://localhost:${server.port}/`, { ca }).on('error', () => {});
  const [, reply] = await once(socket, 'unexpected-response'); // which fetch above makes of every wish
  assert.equal(reply.statusCode, 200);
});

test('HTTP with clientCa serves who has a certificate of it, and no other', async (t) => {
  const { ask } = await serve(t, ca);
  assert.partialDeepStrictEqual(await ask(client), { name: 'http', rebindable: true });
  for (const certificate of [{}, stranger]) await assert.rejects(ask(certificate), /certificate|ECONNRESET|hang up/);
});

test('gRPC with clientCa serves who has a certificate of it, and no other; without, whoever trusts ours', async (t) => {
  const proto = new URL('../../proto/health.proto', import.meta.url).pathname;
  // grpc-js types what it loads as a tree of unions.
  const { grpc } = loadPackageDefinition(loadSync(proto)) as unknown as {
    grpc: { health: { v1: { Health: ServiceClientConstructor } } };
  };
  for (const clientCa of [undefined, ca]) {
    const address = `127.0.0.1:${await freePort()}`;
    const server = await serveGrpc({ address, tls: { cert, key, clientCa }, fetch, ...options() });
    t.after(server.close);
    const check = (channel: ReturnType<typeof credentials.createSsl>) => {
      const health = new grpc.health.v1.Health(address, channel);
      t.after(() => health.close());
      return new Promise((resolve, reject) => {
        health.Check?.({ service: '' }, (error: Error | null, reply: object) =>
          error ? reject(error) : resolve(reply),
        );
      });
    };
    assert.deepEqual(await check(credentials.createSsl(ca, client.key, client.cert)), { status: 1 });
    const unavailable = { code: 14 };
    await assert.rejects(check(credentials.createInsecure()), unavailable);
    const others = [credentials.createSsl(ca), credentials.createSsl(ca, stranger.key, stranger.cert)];
    for (const other of others) {
      if (clientCa) await assert.rejects(check(other), unavailable);
      else await check(other);
    }
  }
});

test('files that cannot be used are Errors that name the key and the file', async () => {
  const [server, serverKey] = [`${folder}server.pem`, `${folder}server.key`];
  for (const [files, said] of [
    [
      { cert: '/nowhere.pem', key: serverKey },
      /^configuration: tls\.http\.cert is \/nowhere\.pem, which cannot be read: ENOENT/,
    ],
    [{ cert: server, key: folder }, /^configuration: tls\.http\.key is .*, which cannot be read: EISDIR/],
    [
      { cert: server, key: `${folder}client.key` },
      /^configuration: tls\.http has .*server\.pem and .*client\.key, which cannot be used: /,
    ],
    [{ cert: serverKey, key: serverKey }, /^configuration: tls\.http has .*server\.key and .*, which cannot be used: /],
    [
      { cert: server, key: serverKey, clientCa: serverKey },
      /^configuration: tls\.http\.clientCa is .*server\.key, which holds no/,
    ],
  ] as const) {
    const { tls } = parseConfig({ tls: { http: files } });
    await assert.rejects(readTls('http', tls), ({ message }: Error) => said.test(message) || assert.fail(message));
  }
  assert.equal(await readTls('grpc', {}), undefined);
});
