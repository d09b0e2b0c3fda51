import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fetchTransport, type Transport } from '../handler/transport.ts';
import { createTransport } from '../shim/transport.ts';
import { tryContract } from './support/contract.ts';
import { startProxy } from './support/proxy.ts';
import { transportContract } from './support/transport-contract.ts';

tryContract('over undici', transportContract, async () => createTransport());

tryContract('over undici, with a time of its own to connect', transportContract, async () => {
  const { transport, close } = createTransport();
  const connection = { connect: 5_000 };
  return { transport: ((url, init) => transport(url, { ...init, connection })) satisfies Transport, close };
});

tryContract('over undici, through a proxy', transportContract, async () => {
  const proxy = await startProxy();
  const { transport, close } = createTransport();
  const connection = { proxy: proxy.url };
  return {
    transport: ((url, init) => transport(url, { ...init, connection })) satisfies Transport,
    async close() {
      await close();
      proxy.close();
    },
  };
});

tryContract('over undici, through a tunnel to a server with an authority of its own', transportContract, async () => {
  const [ca, cert, key] = await Promise.all(['authority.pem', 'server.pem', 'server.key'].map(certificate));
  assert.ok(ca && cert && key);
  const proxy = await startProxy({ tls: { cert, key } });
  const { transport, close } = createTransport();
  const connection = { proxy: proxy.url, ca: ca.toString() };
  return {
    transport: ((url, init) => transport(url.replace('http:', 'https:'), { ...init, connection })) satisfies Transport,
    async close() {
      await close();
      proxy.close();
    },
  };
});

function certificate(name: string) {
  return readFile(new URL(`fixtures/tls/${name}`, import.meta.url));
}

tryContract('over fetch', transportContract, async () => ({ transport: fetchTransport(fetch), async close() {} }));
