import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { test } from 'node:test';
import { createHandler, parseConfig, type Transport } from '../../handler/index.ts';
import { createTransport } from '../../shim/transport.ts';
import { testDatabase } from '../support/doors/database.ts';
import { freePort } from '../support/ports.ts';

/** What servers do, one each at any time. */
const ROLES = ['answers', 'hangs', 'resets', 'is at its limit'] as const;

/** How long each does it, in milliseconds, and for how long one that hangs is waited for. */
const [SHIFT, FIRST_TOKEN] = [1_500, 700];

/** Requests in all, and at a time. */
const [REQUESTS, AT_ONCE] = [2_000, 24];

const chunk = (delta: object, more = {}) =>
  `data: ${JSON.stringify({ model: 'm', choices: [{ index: 0, delta }], ...more })}\n\n`;

test('of four servers three are bad at any time, and each of 2,000 requests is answered, by one of them', async (t) => {
  let shift = 0;
  const timer = setInterval(() => shift++, SHIFT);
  /** How often the first word of the answer to each request came here; one that was sent too late is read by nobody. */
  const begun = new Map<string, number>();
  let passedOver = 0;
  const roleOf = (index: number) => ROLES[(index + shift) % ROLES.length];
  const servers: Server[] = [];
  const to: { url: string }[] = [];
  for (const index of ROLES.keys()) {
    const server = createServer(async (req, res) => {
      const parts: Buffer[] = [];
      for await (const part of req) parts.push(part);
      const role = roleOf(index);
      if (role !== 'answers') passedOver++;
      if (role === 'hangs') return;
      if (role === 'resets') {
        // Before its head, and after it.
        if (passedOver % 2 === 0) res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n');
        return void setImmediate(() => req.socket.destroy());
      }
      if (role === 'is at its limit') return void res.writeHead(429, { 'retry-after': '1' }).end('{"error":{}}');
      const id = /request (\d+)/.exec(Buffer.concat(parts).toString())?.[1] ?? '';
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const word of [`first-${id}`, ' two', ' three']) {
        res.write(chunk({ content: word }));
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      res.end(`${chunk({}, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}data: [DONE]\n\n`);
    });
    server.on('clientError', () => {});
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    to.push({ url: `http://127.0.0.1:${port}/v1` });
  }
  const { transport, close } = createTransport();
  const watched: Transport = async (...request) => {
    const reply = await transport(...request);
    async function* body() {
      for await (const bytes of reply.body) {
        const id = /first-(\d+)/.exec(new TextDecoder().decode(bytes))?.[1];
        if (id !== undefined) begun.set(id, (begun.get(id) ?? 0) + 1);
        yield bytes;
      }
    }
    return { ...reply, body: body() };
  };
  const database = await testDatabase();
  const timeouts = { firstToken: `${FIRST_TOKEN}ms` };
  const config = parseConfig({
    models: [{ match: 'm', backend: 'chat', to, timeouts }],
    limits: { perCaller: { turns: 1_000 } },
  });
  const handler = createHandler({ config, database, transport: watched });
  t.after(async () => {
    clearInterval(timer);
    await handler.close(0);
    for (const server of servers) server.close().closeAllConnections();
    await close();
    await database.close();
  });

  const failures: string[] = [];
  let next = 0;
  const work = async () => {
    for (let id = next++; id < REQUESTS; id = next++) {
      const stream = id % 2 === 0;
      const body = JSON.stringify({ model: 'm', input: `request ${id}`, stream, store: id % 4 < 2 });
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
      const reply = await handler.fetch(new Request('http://x/v1/responses', init));
      const text = await reply.text();
      const isWhole = text.includes(`first-${id} two three"`) && !text.includes('response.failed');
      if (reply.status !== 200 || !isWhole) failures.push(`${id}: ${reply.status} ${text.slice(-300)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(failures, []);
  assert.ok(passedOver > 20, `${passedOver}`); // it was no walk in the sun
  assert.deepEqual(
    [...begun.values()].filter((times) => times !== 1),
    [],
  );
  assert.equal(begun.size, REQUESTS);
  t.diagnostic(`${passedOver} calls met a bad server, in ${shift} shifts`);
});
