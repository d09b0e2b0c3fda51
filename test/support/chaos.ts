import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { createHandler, parseConfig, type Transport } from '../../handler/index.ts';
import { createTransport } from '../../shim/transport.ts';
import { testDatabase } from './doors/database.ts';
import { freePort } from './ports.ts';

/** What a server may do with all its calls for a while. */
const ROLES = {
  answers: (call) => say(call),
  'answers late': (call) => setTimeout(() => say(call), 400),
  'answers that nothing is left of its limit': (call) =>
    say(call, { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '30s' }),
  hangs: () => {},
  'hangs after its head': ({ res }) =>
    void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n'),
  resets: ({ req }) => void req.socket.destroy(),
  'resets after its head': ({ req, res }) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n');
    setImmediate(() => req.socket.destroy());
  },
  'is at its limit for 1 s': ({ res }) => void res.writeHead(429, { 'retry-after': '1' }).end('{"error":{}}'),
  'is at its limit for 5 s': ({ res }) => void res.writeHead(429, { 'retry-after': '5' }).end('{"error":{}}'),
  'is at its limit for 60 s': ({ res }) => void res.writeHead(429, { 'retry-after': '60' }).end('{"error":{}}'),
  'is at its limit': ({ res }) => void res.writeHead(429).end('{"error":{}}'),
  'is down': ({ res }) => void res.writeHead(503).end('{"error":{}}'),
  'is down for 60 s': ({ res }) => void res.writeHead(503, { 'retry-after': '60' }).end('{"error":{}}'),
} satisfies Record<string, (call: ChaosCall) => void>;

/** What a server does. */
export type ChaosRole = keyof typeof ROLES;

interface ChaosCall {
  req: IncomingMessage;
  res: ServerResponse;
  id: string;
}

/** Servers, each of which does something else after every shift, and the requests that meet them. */
export interface ChaosShape {
  /** What each server does at first, in their order; after a shift each does what the one before it did. */
  roles: readonly ChaosRole[];
  /** Milliseconds from one shift to the next. */
  shift: number;
  /** Requests in all, and at a time. */
  requests: number;
  atOnce: number;
  /** Milliseconds after which a client leaves. Default: it does not. */
  deadline?: number;
  /** For so many shifts at first nobody answers. */
  outage?: number;
  /** Keys of the entry of the model, and of its servers. */
  entry?: object;
  server?: object;
}

/** What came of it. */
export interface ChaosResult {
  /** Requests without a whole answer, for which a server was well when they ended. */
  failures: string[];
  /** Requests without one for which none was. */
  hopeless: number;
  /** How often the first word of each request was read. */
  begun: ReadonlyMap<string, number>;
  /** Calls that met a server which did not answer them. */
  bad: number;
  calls: number;
  ms: number;
}

const chunk = (delta: object, more = {}) =>
  `data: ${JSON.stringify({ model: 'm', choices: [{ index: 0, delta }], ...more })}\n\n`;

async function say({ res, id }: ChaosCall, headers: Record<string, string> = {}): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  for (const word of [`first-${id}`, ' two', ' three']) {
    res.write(chunk({ content: word }));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  res.end(`${chunk({}, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}data: [DONE]\n\n`);
}

/** Makes the requests of a shape, half of them streamed and half stored, in a handler in front of real servers. */
export async function chaos(t: TestContext, shape: ChaosShape): Promise<ChaosResult> {
  const { roles, shift, requests, atOnce, deadline, outage = 0, entry, server: keys } = shape;
  const begin = performance.now();
  const shiftNow = () => Math.floor((performance.now() - begin) / shift);
  const roleOf = (index: number): ChaosRole => {
    const role = roles[(index + shiftNow()) % roles.length] ?? 'answers';
    return role.startsWith('answers') && shiftNow() < outage ? 'is down' : role;
  };
  const isOneWell = () => roles.some((_, index) => roleOf(index).startsWith('answers'));
  let [bad, calls] = [0, 0];
  const servers = await Promise.all(
    roles.map(async (_, index) => {
      const server = createServer(async (req, res) => {
        const parts: Buffer[] = [];
        for await (const part of req) parts.push(part);
        const role = roleOf(index);
        calls++;
        if (!role.startsWith('answers')) bad++;
        ROLES[role]({ req, res, id: /request (\d+)/.exec(Buffer.concat(parts).toString())?.[1] ?? '' });
      });
      server.on('clientError', () => {});
      const port = await freePort();
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return { server, url: `http://127.0.0.1:${port}/v1` };
    }),
  );
  const begun = new Map<string, number>();
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
  const to = servers.map(({ url }) => ({ url, ...keys }));
  const config = parseConfig({
    models: [{ match: 'm', backend: 'chat', to, ...entry }],
    limits: { perCaller: { turns: 1_000 } },
  });
  const handler = createHandler({ config, database, transport: watched });
  t.after(async () => {
    await handler.close(0);
    for (const { server } of servers) server.close().closeAllConnections();
    await close();
    await database.close();
  });

  const failures: string[] = [];
  let hopeless = 0;
  let next = 0;
  const ask = async (id: number): Promise<string | undefined> => {
    const body = JSON.stringify({ model: 'm', input: `request ${id}`, stream: id % 2 === 0, store: id % 4 < 2 });
    const signal = deadline === undefined ? undefined : AbortSignal.timeout(deadline);
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, ...(signal && { signal }) };
    const left = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    const answer = handler.fetch(new Request('http://x/v1/responses', init)).then(async (reply) => {
      const text = await reply.text();
      const isWhole = text.includes(`first-${id} two three"`) && !text.includes('response.failed');
      return reply.status === 200 && isWhole ? undefined : `${reply.status} ${text.slice(-300)}`;
    });
    return Promise.race([answer, left]).catch(String);
  };
  const work = async () => {
    for (let id = next++; id < requests; id = next++) {
      const started = performance.now();
      const failure = await ask(id);
      if (failure === undefined) continue;
      if (isOneWell()) failures.push(`${id}, after ${Math.round(performance.now() - started)} ms: ${failure}`);
      else hopeless++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { failures, hopeless, begun, bad, calls, ms: performance.now() - begin };
}

/** Fails where a request failed that a server could have answered, or was begun to be answered twice. */
export function assertAllAnswered({ failures, begun, bad, calls, ms, hopeless }: ChaosResult, t: TestContext): void {
  assert.deepEqual(failures, []);
  assert.deepEqual(
    [...begun].filter(([, times]) => times !== 1),
    [],
  );
  assert.ok(bad > 0); // it was no walk in the sun
  t.diagnostic(`${bad} of ${calls} calls met a bad server, in ${Math.round(ms)} ms; ${hopeless} met no other`);
}
